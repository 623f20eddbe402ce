/**
 * The rules for a target assignment of the `uniform` assignor when all members have the same subscription: complete (every
 * partition has one owner), balanced (loads differ by at most one), and sticky (no more partitions move between remaining members
 * than the balance requires).
 */
export interface JudgedAssignment {
  /** By member id. Partitions of members that have left count as free. */
  readonly before: ReadonlyMap<string, ReadonlySet<string>>;
  readonly after: ReadonlyMap<string, ReadonlySet<string>>;
  /** All partitions that must be assigned. */
  readonly subscribed: ReadonlySet<string>;
}

/** What violates the rules; null when nothing does. */
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
  for (const name of subscribed) if (!owners.has(name)) return `${name} is for nobody`;
  for (const name of owners.keys()) if (!subscribed.has(name)) return `nobody subscribes to ${name}`;
  const loads = [...after.values()].map(({ size }) => size);
  const [least, most] = [Math.min(...loads), Math.max(...loads)];
  if (most - least > 1) return `one member has ${most} partitions and another one ${least}`;
  const moved = movedCount(before, after, owners);
  const needed = neededMoves(before, after, subscribed);
  return moved > needed ? `${moved} partitions move, though ${needed} would do` : null;
}

/** The number of partitions that move from a remaining member to another one. */
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
 * The smallest number of partitions that remaining members must give up for a balance: those with most partitions may keep one
 * more.
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
