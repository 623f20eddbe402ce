/**
 * Checks a target assignment of the assignor `uniform` when all members subscribe to the same topics. It must be complete
 * (every partition has one owner), balanced (the numbers of partitions of two members differ by at most one), and sticky
 * (between members that stay, no more partitions move than the balance requires).
 */
export interface JudgedAssignment {
  /** The partitions of each member before the change, by member id; without members that have left. */
  readonly before: ReadonlyMap<string, ReadonlySet<string>>;
  readonly after: ReadonlyMap<string, ReadonlySet<string>>;
  /** All partitions that must be assigned. */
  readonly subscribed: ReadonlySet<string>;
}

/** How the assignment violates a rule; null: it does not. */
export function judgeAssignment({ before, after, subscribed }: JudgedAssignment): string | null {
  if (after.size === 0) return null;
  const owners = new Map<string, string>();
  for (const [memberId, partitions] of after) {
    for (const name of partitions) {
      const other = owners.get(name);
      if (other !== undefined) return `${name} is for ${other} and for ${memberId}`;
      owners.set(name, memberId);
    }
  }
  for (const name of subscribed) if (!owners.has(name)) return `no member has ${name}`;
  for (const name of owners.keys()) if (!subscribed.has(name)) return `no member subscribes to ${name}`;
  const loads = [...after.values()].map(({ size }) => size);
  const [least, most] = [Math.min(...loads), Math.max(...loads)];
  if (most - least > 1) return `one member has ${most} partitions and another one ${least}`;
  const moved = movedCount(before, after, owners);
  const needed = neededMoves(before, after, subscribed);
  return moved > needed ? `${moved} partitions move, though ${needed} would do` : null;
}

/** The number of partitions that move from a member that stays to another one. */
function movedCount(
  before: JudgedAssignment['before'],
  after: JudgedAssignment['after'],
  owners: ReadonlyMap<string, string>,
): number {
  let moved = 0;
  for (const [memberId, partitions] of before) {
    if (!after.has(memberId)) continue;
    for (const name of partitions) if (owners.has(name) && owners.get(name) !== memberId) moved++;
  }
  return moved;
}

/**
 * The smallest number of partitions that members which stay must give up, so that the assignment is balanced. If the partitions
 * cannot be divided equally, the members with the most partitions keep one more than the others.
 */
function neededMoves(
  before: JudgedAssignment['before'],
  after: JudgedAssignment['after'],
  subscribed: ReadonlySet<string>,
): number {
  const quota = Math.floor(subscribed.size / after.size);
  let extras = subscribed.size % after.size;
  let needed = 0;
  for (const memberId of after.keys()) {
    let kept = 0;
    for (const name of before.get(memberId) ?? []) if (subscribed.has(name)) kept++;
    if (kept <= quota) continue;
    const limit = extras > 0 ? quota + 1 : quota;
    extras -= limit - quota;
    needed += kept - limit;
  }
  return needed;
}
