/** The deadlines of the members of a consumer group, and the time until a member's next heartbeat. */
import type { ConsumerGroup, Turn } from '../group-turn.ts';
import type { ConsumerMember } from './member.ts';
import { memberStates } from './member.ts';

/** How soon a member that waits for partitions of other members sends its next heartbeat. */
const releaseMs = 450;
/**
 * Added to the time of an expected change, so that the heartbeat comes after the change although timers are some milliseconds
 * late.
 */
const graceMs = 50;
/** The heartbeats of a group are spread over at most this time. */
const spreadMaxMs = 500;

/** Restarts the member's session: within this time it must send a request. */
export function renewSession(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const timeoutMs =
    member.metadata.classic?.sessionTimeoutMs ??
    turn.shard.config.ofGroup(group.groupId, turn.image).sessionTimeoutMs;
  turn.shard.deadlines.set(group.renewTimersOf(member.memberId).session, turn.nowMs + timeoutMs);
}

/**
 * Time until the member's next heartbeat, in whole ms. Usually it is the group's interval, as always in Kafka. It is shorter
 * when a change for the member is expected earlier: a new target assignment, partitions that other members are revoking, or the
 * end of another member's session.
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
  // Members of a large group would otherwise send their heartbeats all at the same time.
  const spreadMs = turn.shard.random.u32() % Math.min(group.members.size + 1, spreadMaxMs);
  return Math.min(settings.heartbeatIntervalMs, Math.max(Math.ceil(newsMs), 0) + graceMs + spreadMs);
}

/** Starts the member's session if it is not running. */
export function keepSession(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const { session } = group.timersOf(member.memberId);
  if (session.atMs === Number.POSITIVE_INFINITY) renewSession(turn, group, member);
}

/** A member that still has `memberEpoch` and partitions to revoke when the rebalance time-out has passed is removed. */
export function startRebalanceTimer(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const timers = group.timersOf(member.memberId);
  timers.rebalanceEpoch = member.current.memberEpoch;
  turn.shard.deadlines.set(timers.rebalance, turn.nowMs + member.metadata.rebalanceTimeoutMs);
}

export function cancelRebalanceTimer(group: ConsumerGroup, memberId: string): void {
  group.timers.get(memberId)?.rebalance.cancel();
}

/** Starts the time within which a member of the classic protocol must join again, after a response told it to. */
export function startJoinTimer(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const { join } = group.timersOf(member.memberId);
  if (join.atMs === Number.POSITIVE_INFINITY)
    turn.shard.deadlines.set(join, turn.nowMs + member.metadata.rebalanceTimeoutMs);
}

/** Starts the time within which a member of the classic protocol must send SyncGroup, after it has joined. */
export function startSyncTimer(turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const { sync } = group.timersOf(member.memberId);
  turn.shard.deadlines.set(sync, turn.nowMs + member.metadata.rebalanceTimeoutMs);
}
