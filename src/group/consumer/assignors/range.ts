/**
 * `range`: each topic is divided into ranges of consecutive partitions, one for each subscriber in a fixed order. Topics with
 * the same number of partitions and the same subscribers are divided alike, so a member gets the same partitions of each
 * (co-partitioning, which joins need). It is not sticky: the last assignment is ignored.
 */
import type { Uuid } from '../../../base/uuid.ts';
import type { Assigning, AssignorMember, AssignorSpec, Partitions } from './assignor.ts';
import { Meter } from './assignor.ts';

export function* range({ members, partitionCount }: AssignorSpec): Assigning {
  const meter = new Meter();
  const subscribers = new Map<Uuid, AssignorMember[]>();
  for (const member of [...members].sort(byInstanceThenMember)) {
    for (const topicId of member.topicIds) {
      if (meter.tick()) yield;
      const list = subscribers.get(topicId);
      if (list === undefined) subscribers.set(topicId, [member]);
      else list.push(member);
    }
  }
  const shares = new Map<string, Map<Uuid, readonly number[]>>(members.map((m) => [m.memberId, new Map()]));
  for (const [topicId, list] of subscribers) {
    const count = partitionCount(topicId);
    const quota = Math.floor(count / list.length);
    const withExtra = count % list.length;
    let from = 0;
    for (const [i, { memberId }] of list.entries()) {
      const size = quota + (i < withExtra ? 1 : 0);
      if (size === 0) break;
      const first = from;
      shares.get(memberId)?.set(
        topicId,
        Array.from({ length: size }, (_, offset) => first + offset),
      );
      from += size;
      if (meter.tick()) yield;
    }
  }
  return new Map<string, Partitions>(shares);
}

/** Static members come first, so that a static member that returns with a new member id keeps its partitions. */
function byInstanceThenMember(a: AssignorMember, b: AssignorMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId);
  if (a.instanceId !== null) return -1;
  if (b.instanceId !== null) return 1;
  return compare(a.memberId, b.memberId);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
