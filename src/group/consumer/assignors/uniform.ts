/**
 * `uniform`: all members get about the same number of partitions, and keep their present partitions as far as that allows.
 *
 * When all members have the same subscription, their partition counts differ by at most one. Otherwise no move of a single
 * partition would make the counts more equal: when a member has a partition of a topic, no other subscriber of that topic has
 * at least two partitions fewer than the member.
 */
import { at, defined } from '../../../base/assert.ts';
import type { Uuid } from '../../../base/uuid.ts';
import type { Assigning, AssignorSpec, Partitions } from './assignor.ts';
import { isHomogeneous, Meter } from './assignor.ts';
import type { Share, TopicPartition } from './share.ts';
import { give } from './share.ts';
import { balance } from './uniform-balance.ts';

export function* uniform(spec: AssignorSpec): Assigning {
  const shares = spec.members.map((member): Share => ({ member, partitions: new Map(), size: 0 }));
  const topicIds = new Set<Uuid>();
  const seen = new Set<ReadonlySet<Uuid>>();
  for (const { topicIds: subscribed } of spec.members) {
    if (seen.has(subscribed)) continue;
    seen.add(subscribed);
    for (const topicId of subscribed) topicIds.add(topicId);
  }
  if (isHomogeneous(spec.members)) yield* fill(spec, shares, topicIds);
  else {
    const free = yield* keep(spec, shares, topicIds, () => Number.POSITIVE_INFINITY);
    yield* balance(shares, free);
  }
  return new Map<string, Partitions>(
    shares.map(({ member, partitions }) => [member.memberId, sorted(partitions)]),
  );
}

function sorted(partitions: ReadonlyMap<Uuid, ReadonlySet<number>>): Partitions {
  return new Map([...partitions].map(([topicId, set]) => [topicId, [...set].sort((a, b) => a - b)]));
}

/** Each member keeps its present partitions, at most `quotaOf(share)` of them. Returns the partitions without an owner. */
function* keep(
  { partitionCount }: AssignorSpec,
  shares: readonly Share[],
  topicIds: ReadonlySet<Uuid>,
  quotaOf: (share: Share) => number,
): Generator<void, TopicPartition[], void> {
  const meter = new Meter();
  const taken = new Map<Uuid, Set<number>>();
  for (const topicId of topicIds) taken.set(topicId, new Set());
  for (const share of shares) {
    const { previous, topicIds: subscribed } = share.member;
    for (const [topicId, partitions] of previous) {
      if (!subscribed.has(topicId)) continue;
      const count = partitionCount(topicId);
      const takenOfTopic = defined(taken.get(topicId));
      for (const partition of partitions) {
        if (meter.tick()) yield;
        if (partition >= count || takenOfTopic.has(partition) || share.size >= quotaOf(share)) continue;
        takenOfTopic.add(partition);
        give(share, { topicId, partition });
      }
    }
  }
  const free: TopicPartition[] = [];
  for (const topicId of topicIds) {
    const takenOfTopic = defined(taken.get(topicId));
    for (let partition = 0; partition < partitionCount(topicId); partition++) {
      if (meter.tick()) yield;
      if (!takenOfTopic.has(partition)) free.push({ topicId, partition });
    }
  }
  return free;
}

/**
 * For members that all have the same subscription: each gets `total / members` partitions, and as many members as the remainder
 * get one more.
 */
function* fill(
  spec: AssignorSpec,
  shares: readonly Share[],
  topicIds: ReadonlySet<Uuid>,
): Generator<void, void, void> {
  if (shares.length === 0) return;
  let total = 0;
  for (const topicId of topicIds) total += spec.partitionCount(topicId);
  const quota = Math.floor(total / shares.length);
  let extras = total % shares.length;
  // A member that has more partitions than the quota keeps one extra, as long as extra ones are left.
  const withExtra = new Set<Share>();
  const free = yield* keep(spec, shares, topicIds, (share) => {
    if (share.size < quota || withExtra.has(share)) return withExtra.has(share) ? quota + 1 : quota;
    if (extras === 0) return quota;
    extras--;
    withExtra.add(share);
    return quota + 1;
  });
  let next = 0;
  const meter = new Meter();
  for (const share of shares) {
    let wanted = quota - share.size;
    if (extras > 0 && !withExtra.has(share)) {
      extras--;
      wanted++;
    }
    for (let i = 0; i < wanted; i++) {
      give(share, at(free, next++));
      if (meter.tick()) yield;
    }
  }
}
