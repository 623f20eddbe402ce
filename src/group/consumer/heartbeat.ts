/**
 * ConsumerGroupHeartbeat (68). With this one request a member joins, extends its session, gets its assignment, reports that it
 * has revoked partitions, and leaves.
 *
 * A heartbeat is handled in three steps:
 * 1. The member's metadata is updated, and the group epoch is incremented if the change affects the assignment.
 * 2. The target assignment is updated to the group epoch.
 * 3. The member moves towards its target.
 */
import { sameElements } from '../../base/collections.ts';
import type { Uuid } from '../../base/uuid.ts';
import { randomUuid } from '../../base/uuid.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { ConsumerGroup, Turn } from '../group-turn.ts';
import { note, reply } from '../group-turn.ts';
import type { Caller, ConsumerHeartbeatRequest, OwnedPartitions } from '../types.ts';
import type { Batch } from './request-batch.ts';
import { change, operate, waitsForTarget } from './request-batch.ts';
import { bumpEpoch, bumpIfTopicsChanged } from './epoch.ts';
import { leaveGroup } from './leave.ts';
import { forgetRegex, memberOf, requireRoom } from './member-lookup.ts';
import type { ConsumerMember, MemberMetadata } from './member.ts';
import { hasRegex, isReconciledTo, joinEpoch, memberStates, sameMetadata, samePartitions } from './member.ts';
import { reconcile } from './reconcile.ts';
import { refreshRegexes, requireValidRegex } from './regex-subscriptions.ts';
import type { ConsumerHeartbeatResponse } from './requests.ts';
import { validate } from './requests.ts';
import { assignmentOf, heartbeatRefused } from './responses.ts';
import { isSubscribed } from './member-topics.ts';
import { updateTarget } from './target.ts';
import { cancelRebalanceTimer, heartbeatIntervalMs, renewSession, startRebalanceTimer } from './timers.ts';
import { consumerGroupFor } from './migration/upgrade.ts';

export function consumerHeartbeat(
  turn: Turn,
  token: number,
  caller: Caller,
  request: ConsumerHeartbeatRequest,
): void {
  const again = (later: Turn) => consumerHeartbeat(later, token, caller, request);
  try {
    validate(request, caller.apiVersion, turn.shard.config);
    if (request.memberEpoch < 0) return leaveGroup(turn, token, request, again);
    const { group, enter } = consumerGroupFor(turn, request.groupId, request.memberEpoch === joinEpoch);
    operate(turn, group, {
      token,
      refused: heartbeatRefused,
      again,
      run: (batch) => {
        enter(batch);
        return heartbeat(turn, group, batch, caller, request);
      },
    });
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    reply(turn, token, heartbeatRefused(error.error, error.message));
  }
}

function heartbeat(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  caller: Caller,
  request: ConsumerHeartbeatRequest,
): ConsumerHeartbeatResponse | typeof waitsForTarget {
  const memberId = request.memberId === '' ? randomUuid(turn.shard.random) : request.memberId;
  requireRoom(turn, group, memberId);
  const joins = request.memberEpoch === joinEpoch;
  const owned = request.topicPartitions;
  const { instanceId, memberEpoch } = request;
  const before = memberOf(turn, group, batch, {
    memberId,
    instanceId,
    memberEpoch,
    owned,
    joins,
    isClassic: false,
  });
  const metadata = updated(before.metadata, caller, request);
  const subscriptionChanged = updateMetadata(turn, group, batch, before, metadata);
  updateTarget(turn, group, batch);
  if (group.targetEpoch === 0) {
    // The first assignment of a large group takes several turns. A response with epoch 0 would make the member join again, so
    // the request waits.
    renewSession(turn, group, { ...before, metadata });
    return waitsForTarget;
  }
  const after = advance(turn, group, batch, memberId, owned, subscriptionChanged);
  renewSession(turn, group, after);
  return {
    errorCode: Errors.NONE.code,
    errorMessage: null,
    memberId,
    memberEpoch: after.current.memberEpoch,
    heartbeatIntervalMs: heartbeatIntervalMs(turn, group, after),
    assignment:
      joins || isFull(request) || !samePartitions(before.current.assigned, after.current.assigned)
        ? assignmentOf(after.current)
        : null,
  };
}

/**
 * Whether the request has all fields that a member may omit when they have not changed. A member sends them all when it joins
 * and after an error, and then it needs the assignment too.
 */
function isFull(request: ConsumerHeartbeatRequest): boolean {
  const { rebalanceTimeoutMs, subscribedTopicNames, subscribedTopicRegex, topicPartitions } = request;
  const subscribes = subscribedTopicNames !== null || subscribedTopicRegex !== null;
  return rebalanceTimeoutMs !== -1 && subscribes && topicPartitions !== null;
}

function updated(before: MemberMetadata, caller: Caller, request: ConsumerHeartbeatRequest): MemberMetadata {
  const names = request.subscribedTopicNames;
  return {
    instanceId: request.instanceId ?? before.instanceId,
    rackId: request.rackId ?? before.rackId,
    clientId: caller.clientId,
    clientHost: caller.clientHost,
    subscribedTopicNames: names === null ? before.subscribedTopicNames : [...new Set(names)].sort(),
    subscribedTopicRegex: request.subscribedTopicRegex ?? before.subscribedTopicRegex,
    rebalanceTimeoutMs:
      request.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? before.serverAssignor,
    classic: null,
  };
}

/** Updates a member's metadata from its request. Returns whether its subscription has changed. */
export function updateMetadata(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  before: ConsumerMember,
  metadata: MemberMetadata,
): boolean {
  const { memberId } = before;
  const isKnown = group.members.has(memberId);
  if (!isKnown || !sameMetadata(before.metadata, metadata))
    change(batch, group, { type: 'member', memberId, value: metadata });
  const namesChanged = !sameElements(before.metadata.subscribedTopicNames, metadata.subscribedTopicNames);
  const regex = changeRegex(group, batch, before.metadata, metadata);
  const epoch = group.epoch;
  refreshRegexes(turn, group, batch);
  // `refreshRegexes` increments the epoch too when expressions match other topics; one increment is enough.
  if (group.epoch === epoch) {
    if (epoch === 0 || namesChanged || regex === 'resolved') bumpEpoch(turn, group, batch);
    else bumpIfTopicsChanged(turn, group, batch);
  }
  if (!isKnown) logJoin(turn, group, memberId, metadata);
  return namesChanged || regex !== 'same';
}

function logJoin(turn: Turn, group: ConsumerGroup, memberId: string, metadata: MemberMetadata): void {
  note(turn, 'info', 'Member joins the group', {
    group: group.groupId,
    member: memberId,
    instance: metadata.instanceId,
    protocol: metadata.classic === null ? 'consumer' : 'classic',
  });
}

/**
 * `resolved`: the topics of the new expression are known, or there is none; `changed`: the expression has still to be matched.
 */
function changeRegex(
  group: ConsumerGroup,
  batch: Batch,
  before: MemberMetadata,
  after: MemberMetadata,
): 'same' | 'changed' | 'resolved' {
  const old = before.subscribedTopicRegex ?? '';
  const regex = after.subscribedTopicRegex ?? '';
  if (old === regex) return 'same';
  if (old !== '') forgetRegex(group, batch, old);
  if (!hasRegex(after)) return 'resolved';
  if (group.subscribersOfRegex(regex) === 1) requireValidRegex(regex);
  if (group.regexes.has(regex)) return 'resolved';
  group.regexPending = true;
  return 'changed';
}

/** Moves the member one step towards its target, as far as partitions are free. */
export function advance(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  memberId: string,
  owned: OwnedPartitions | null,
  subscriptionChanged: boolean,
): ConsumerMember {
  const member = group.members.get(memberId);
  if (member === undefined) throw new KafkaError(Errors.UNKNOWN_MEMBER_ID);
  const { current, metadata } = member;
  if (isReconciledTo(current, group.targetEpoch) && !subscriptionChanged) return member;
  const next = reconcile({
    current,
    targetEpoch: group.targetEpoch,
    target: group.targetOf(memberId),
    owned,
    isSubscribed: isSubscribed(group, metadata, turn.image.topics),
    subscriptionChanged,
    isHeld: (topicId: Uuid, partition: number) => group.isHeld(topicId, partition),
  });
  if (next === null)
    throw new KafkaError(
      Errors.FENCED_MEMBER_EPOCH,
      'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
    );
  if (next === current) return member;
  change(batch, group, { type: 'current', memberId, value: next });
  const after: ConsumerMember = { ...member, current: next };
  if (metadata.classic === null) {
    if (next.state === memberStates.unrevoked) startRebalanceTimer(turn, group, after);
    else cancelRebalanceTimer(group, memberId);
  }
  return after;
}
