/** The deadlines of members of a consumer group. */
import type { ConsumerGroup, Turn } from '../turn.ts';
import type { ConsumerMember } from './member.ts';

/** Starts (again) the time within which the member has to be heard of. */
export function renewSession(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const timeoutMs =
    member.metadata.classic?.sessionTimeoutMs ??
    turn.shard.config.ofGroup(group.groupId, turn.image).sessionTimeoutMs;
  turn.shard.deadlines.set(group.timersOf(member.memberId).session, turn.nowMs + timeoutMs);
}

/** A member always has a session that ends some time. */
export function keepSession(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const { session } = group.timersOf(member.memberId);
  if (session.atMs === Number.POSITIVE_INFINITY) renewSession(turn, group, member);
}

/** By `memberEpoch`'s end the member has to have given up what it must; it is removed otherwise. */
export function startRebalanceTimer(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const timers = group.timersOf(member.memberId);
  timers.rebalanceEpoch = member.current.memberEpoch;
  turn.shard.deadlines.set(timers.rebalance, turn.nowMs + member.metadata.rebalanceTimeoutMs);
}

export function cancelRebalanceTimer(group: ConsumerGroup, memberId: string): void {
  group.timers.get(memberId)?.rebalance.cancel();
}

/** A member of the classic protocol that was told to join again has this long. */
export function startJoinTimer(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const { join } = group.timersOf(member.memberId);
  if (join.atMs === Number.POSITIVE_INFINITY)
    turn.shard.deadlines.set(join, turn.nowMs + member.metadata.rebalanceTimeoutMs);
}

/** A member of the classic protocol that joined has this long to fetch its assignment with SyncGroup. */
export function startSyncTimer(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const { sync } = group.timersOf(member.memberId);
  turn.shard.deadlines.set(sync, turn.nowMs + member.metadata.rebalanceTimeoutMs);
}
