/** The deadlines of members of a consumer group. */
import type { ConsumerGroup, Turn } from '../turn.ts';
import type { ConsumerMember } from './member.ts';
import { memberStates } from './member.ts';

/** A member that waits for partitions of others sends its next heartbeat after this time. */
const releaseMs = 450;
/** Added to the time of the expected change, because timers are late by some milliseconds. */
const graceMs = 50;
const spreadMaxMs = 500;

/** Restarts the time within which the member must send a request. */
export function renewSession(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const timeoutMs =
    member.metadata.classic?.sessionTimeoutMs ??
    turn.shard.config.ofGroup(group.groupId, turn.image).sessionTimeoutMs;
  turn.shard.deadlines.set(group.renewTimersOf(member.memberId).session, turn.nowMs + timeoutMs);
}

/**
 * Time until the member's next heartbeat, in whole ms. It is the group's interval, as in Kafka, but shorter when a change for the
 * member is expected: an assignment is due, others revoke partitions that it waits for, or the session of another member ends.
 */
export function heartbeatIntervalMs(
  turn: Turn,
  group: ConsumerGroup,
  { memberId, current }: ConsumerMember,
): number {
  const settings = turn.shard.config.ofGroup(group.groupId, turn.image);
  let newsMs = group.nextSessionEndMs(memberId) - turn.nowMs;
  if (group.epoch > group.targetEpoch)
    newsMs = Math.min(newsMs, group.targetTimestampMs + settings.assignmentIntervalMs - turn.wallMs);
  else if (current.state === memberStates.unreleased) newsMs = Math.min(newsMs, releaseMs);
  if (newsMs >= settings.heartbeatIntervalMs) return settings.heartbeatIntervalMs;
  // Spread the heartbeats of a large group.
  const spreadMs = turn.shard.random.u32() % Math.min(group.members.size + 1, spreadMaxMs);
  return Math.min(settings.heartbeatIntervalMs, Math.max(Math.ceil(newsMs), 0) + graceMs + spreadMs);
}

/** Makes sure that the member's session has an end. */
export function keepSession(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const { session } = group.timersOf(member.memberId);
  if (session.atMs === Number.POSITIVE_INFINITY) renewSession(turn, group, member);
}

/** When this timer ends and the member still has `memberEpoch` and partitions to revoke, it is removed. */
export function startRebalanceTimer(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const timers = group.timersOf(member.memberId);
  timers.rebalanceEpoch = member.current.memberEpoch;
  turn.shard.deadlines.set(timers.rebalance, turn.nowMs + member.metadata.rebalanceTimeoutMs);
}

export function cancelRebalanceTimer(group: ConsumerGroup, memberId: string): void {
  group.timers.get(memberId)?.rebalance.cancel();
}

/** Time within which a member of the classic protocol must join again when told so. */
export function startJoinTimer(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const { join } = group.timersOf(member.memberId);
  if (join.atMs === Number.POSITIVE_INFINITY)
    turn.shard.deadlines.set(join, turn.nowMs + member.metadata.rebalanceTimeoutMs);
}

/** Time within which a member of the classic protocol must send SyncGroup after it has joined. */
export function startSyncTimer(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const { sync } = group.timersOf(member.memberId);
  turn.shard.deadlines.set(sync, turn.nowMs + member.metadata.rebalanceTimeoutMs);
}
