/** The deadlines of members of a consumer group. */
import type { ConsumerGroup, Turn } from '../turn.ts';
import type { ConsumerMember } from './member.ts';
import { memberStates } from './member.ts';

/** A member that waits for partitions of others asks again after so long. */
const releaseMs = 450;
/** After the moment of the news: timers are late by some milliseconds. */
const graceMs = 50;
const spreadMaxMs = 500;

/** Starts (again) the time within which the member has to be heard of. */
export function renewSession(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const timeoutMs =
    member.metadata.classic?.sessionTimeoutMs ??
    turn.shard.config.ofGroup(group.groupId, turn.image).sessionTimeoutMs;
  turn.shard.deadlines.set(group.heardOf(member.memberId).session, turn.nowMs + timeoutMs);
}

/**
 * How long the member may wait with its next heartbeat, in whole ms. It is the group's interval, as in Kafka, unless the group is about to have
 * news for the member: an assignment is due, others give up partitions that it waits for, or the session of another member ends.
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
  // Not all members of a large group at once.
  const spreadMs = turn.shard.random.u32() % Math.min(group.members.size + 1, spreadMaxMs);
  return Math.min(settings.heartbeatIntervalMs, Math.max(Math.ceil(newsMs), 0) + graceMs + spreadMs);
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
