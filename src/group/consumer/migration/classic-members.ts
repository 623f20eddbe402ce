/**
 * Members of the classic protocol in a consumer group, during the online migration of its clients (KIP-848). For such a member
 * JoinGroup does what the first heartbeat of an epoch does, SyncGroup returns the assignment, and Heartbeat tells the member
 * when to join again. The generation that it sees is its member epoch.
 */
import { randomUuid } from '../../../base/uuid.ts';
import type { ErrorRow } from '../../../protocol/errors.ts';
import { Errors, KafkaError } from '../../../protocol/errors.ts';
import { ownBytes } from '../../bytes.ts';
import { joinRefused, syncRefused } from '../../classic/responses.ts';
import type { ConsumerGroup, Turn } from '../../group-turn.ts';
import type {
  Caller,
  HeartbeatRequest,
  JoinRequest,
  JoinResponse,
  LeaveRequest,
  LeaveResponse,
  MemberProtocol,
  SyncRequest,
  SyncResponse,
} from '../../types.ts';
import type { Batch } from '../request-batch.ts';
import { operate } from '../request-batch.ts';
import { canDowngrade, downgrade } from './downgrade.ts';
import type { Subscription } from './embedded.ts';
import { ownedPartitions, readSubscription, writeAssignment } from './embedded.ts';
import { advance, updateMetadata } from '../heartbeat.ts';
import { removeMembers } from '../leave.ts';
import { knownMember, knownStaticMember, memberOf, requireRoom } from '../member-lookup.ts';
import type { ClassicMemberMetadata, ConsumerMember, MemberMetadata } from '../member.ts';
import { isReconciledTo, memberStates } from '../member.ts';
import { updateTarget } from '../target.ts';
import { renewSession, startJoinTimer, startSyncTimer } from '../timers.ts';

const knownMemberIdSince = 4;

/** JoinGroup for a consumer group that has members. */
export function joinConsumerGroup(
  turn: Turn,
  group: ConsumerGroup,
  token: number,
  caller: Caller,
  request: JoinRequest,
  again: (turn: Turn) => void,
): void {
  operate(turn, group, {
    token,
    again,
    refused: (error) => joinRefused(request.memberId, error),
    run: (batch) => join(turn, group, batch, caller, request),
  });
}

function join(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  caller: Caller,
  request: JoinRequest,
): JoinResponse {
  if (turn.shard.config.consumer.migrationPolicy === 'disabled')
    throw new KafkaError(Errors.INCONSISTENT_GROUP_PROTOCOL);
  const { groupInstanceId: instanceId } = request;
  const isUnknown = request.memberId === '';
  const memberId = isUnknown ? randomUuid(turn.shard.random) : request.memberId;
  requireRoom(turn, group, memberId);
  requireSupported(group, request.protocolType, request.protocols);
  if (isUnknown && instanceId === null && caller.apiVersion >= knownMemberIdSince)
    return joinRefused(memberId, Errors.MEMBER_ID_REQUIRED);
  const subscription = subscriptionOf(request.protocols);
  const replaced = instanceId === null ? undefined : group.staticMembers.get(instanceId);
  const before = memberOf(turn, group, batch, {
    memberId,
    instanceId,
    memberEpoch: -1,
    owned: [],
    joins: instanceId === null || isUnknown,
    isClassic: true,
  });
  const metadata = joined(before.metadata, caller, request, subscription);
  const changed = updateMetadata(turn, group, batch, before, metadata);
  // When a static member of the consumer protocol returns with the classic protocol, it may have been the last member of the
  // consumer protocol; then the group becomes a classic group.
  const downgrades = replaced !== undefined && canDowngrade(turn, group, new Set());
  if (!downgrades) updateTarget(turn, group, batch);
  const owned = ownedPartitions(subscription.owned, turn.image.topics);
  const after = advance(turn, group, batch, memberId, owned, changed);
  const response = joinedResponse(after, request.protocols);
  if (downgrades) {
    // After the downgrade the members must join again unless every member has its target assignment: in a stable classic group
    // no member is told of a partition that another member has given up.
    const isSettled = [...group.members.values()].every(({ current }) =>
      isReconciledTo(current, group.epoch),
    );
    downgrade(turn, group, batch, { without: new Set(), rebalance: changed || !isSettled });
    return { ...response, generationId: group.epoch };
  }
  batch.applied.push((later) => {
    if (!group.members.has(memberId)) return;
    group.timersOf(memberId).join.cancel();
    renewSession(later, group, after);
    startSyncTimer(later, group, after);
  });
  return response;
}

function joinedResponse(
  { memberId, current }: ConsumerMember,
  protocols: readonly MemberProtocol[],
): JoinResponse {
  return {
    errorCode: Errors.NONE.code,
    generationId: current.memberEpoch,
    protocolType: 'consumer',
    protocolName: protocols[0]?.name ?? null,
    // There is no group leader: the coordinator computes the assignment.
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

/** A new member must support at least one protocol that all classic members support. */
function requireSupported(group: ConsumerGroup, type: string, protocols: readonly MemberProtocol[]): void {
  const counts = new Map<string, number>();
  for (const { metadata } of group.members.values()) {
    for (const { name } of metadata.classic?.supportedProtocols ?? [])
      counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const all = group.classicMemberCount;
  const isSupported = protocols.some(({ name }) => (counts.get(name) ?? 0) === all);
  if (type !== 'consumer' || !isSupported) throw new KafkaError(Errors.INCONSISTENT_GROUP_PROTOCOL);
}

/** Reads the first protocol only: the consumer puts the same subscription into all of them. */
function subscriptionOf(protocols: readonly MemberProtocol[]): Subscription {
  try {
    return readSubscription(protocols[0]?.metadata ?? new Uint8Array(0));
  } catch {
    throw new KafkaError(Errors.INCONSISTENT_GROUP_PROTOCOL);
  }
}

function joined(
  before: MemberMetadata,
  caller: Caller,
  request: JoinRequest,
  subscription: Subscription,
): MemberMetadata {
  const { rackId } = subscription;
  return {
    instanceId: request.groupInstanceId ?? before.instanceId,
    rackId: rackId === null || rackId === '' ? before.rackId : rackId,
    clientId: caller.clientId,
    clientHost: caller.clientHost,
    subscribedTopicNames: [...new Set(subscription.topics)].sort(),
    subscribedTopicRegex: '',
    rebalanceTimeoutMs:
      request.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: before.serverAssignor,
    classic: {
      sessionTimeoutMs: request.sessionTimeoutMs,
      supportedProtocols: request.protocols.map(({ name, metadata }) => ({
        name,
        metadata: ownBytes(metadata),
      })),
    },
  };
}

/** SyncGroup: the assignment of a member that has joined. */
export function syncConsumerGroup(
  turn: Turn,
  group: ConsumerGroup,
  token: number,
  request: SyncRequest,
  again: (turn: Turn) => void,
): void {
  operate(turn, group, {
    token,
    again,
    refused: syncRefused,
    run: (): SyncResponse => {
      const { member, classic } = classicMember(group, request);
      requireGeneration(member, request.generationId);
      const protocol = classic.supportedProtocols[0];
      if (differs(request.protocolType, 'consumer') || differs(request.protocolName, protocol?.name ?? null))
        throw new KafkaError(Errors.INCONSISTENT_GROUP_PROTOCOL);
      if (group.targetEpoch > member.current.memberEpoch && member.current.state !== memberStates.unrevoked) {
        startJoinTimer(turn, group, member);
        throw new KafkaError(Errors.REBALANCE_IN_PROGRESS);
      }
      group.timersOf(member.memberId).sync.cancel();
      renewSession(turn, group, member);
      const metadata = protocol?.metadata ?? new Uint8Array(2);
      return {
        errorCode: Errors.NONE.code,
        protocolType: request.protocolType,
        protocolName: request.protocolName,
        assignment: writeAssignment(member.current.assigned, metadata, turn.image.topics),
      };
    },
  });
}

/** Heartbeat: tells the member to join again when it must give up partitions or can get new ones. */
export function heartbeatConsumerGroup(
  turn: Turn,
  group: ConsumerGroup,
  token: number,
  request: HeartbeatRequest,
  again: (turn: Turn) => void,
): void {
  operate(turn, group, {
    token,
    again,
    refused: (error) => ({ errorCode: error.code }),
    run: () => {
      const { member } = classicMember(group, request);
      requireGeneration(member, request.generationId);
      renewSession(turn, group, member);
      const { memberEpoch, state } = member.current;
      const hasToJoin =
        memberEpoch < group.targetEpoch ||
        state === memberStates.unrevoked ||
        (state === memberStates.unreleased && !waitsForOthers(group, member));
      if (!hasToJoin) return { errorCode: Errors.NONE.code };
      startJoinTimer(turn, group, member);
      return { errorCode: Errors.REBALANCE_IN_PROGRESS.code };
    },
  });
}

/** Whether another member still holds a partition of this member's target assignment. */
function waitsForOthers(group: ConsumerGroup, { memberId, current }: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.targetOf(memberId)) {
    const mine = current.assigned.get(topicId);
    if (partitions.some((partition) => !mine?.has(partition) && group.isHeld(topicId, partition)))
      return true;
  }
  return false;
}

/**
 * LeaveGroup: each member of the request succeeds or fails by itself. As in Kafka, members of both protocols can be removed
 * with it.
 */
export function leaveConsumerGroup(
  turn: Turn,
  group: ConsumerGroup,
  token: number,
  request: LeaveRequest,
  again: (turn: Turn) => void,
): void {
  operate(turn, group, {
    token,
    again,
    refused: (error: ErrorRow): LeaveResponse => ({ errorCode: error.code, members: [] }),
    run: (batch): LeaveResponse => {
      const gone = new Set<string>();
      const members = request.members.map(({ memberId, groupInstanceId }) => {
        const error = leaving(group, memberId, groupInstanceId, gone);
        return { memberId, groupInstanceId, errorCode: error.code };
      });
      removeMembers(turn, group, batch, [...gone], 'explicit LeaveGroup request');
      return { errorCode: Errors.NONE.code, members };
    },
  });
}

function leaving(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
  gone: Set<string>,
): ErrorRow {
  try {
    if (instanceId === null) gone.add(knownMember(group, memberId).memberId);
    else gone.add(knownStaticMember(group, instanceId, memberId === '' ? null : memberId).memberId);
    return Errors.NONE;
  } catch (error) {
    if (error instanceof KafkaError) return error.error;
    throw error;
  }
}

function classicMember(
  group: ConsumerGroup,
  { memberId, groupInstanceId }: { readonly memberId: string; readonly groupInstanceId: string | null },
): { member: ConsumerMember; classic: ClassicMemberMetadata } {
  const member =
    groupInstanceId === null
      ? knownMember(group, memberId)
      : knownStaticMember(group, groupInstanceId, memberId);
  const { classic } = member.metadata;
  if (classic === null) throw new KafkaError(Errors.UNKNOWN_MEMBER_ID);
  return { member, classic };
}

function requireGeneration({ current }: ConsumerMember, generationId: number): void {
  if (current.memberEpoch !== generationId) throw new KafkaError(Errors.ILLEGAL_GENERATION);
}

/** Null is not compared: clients before v5 do not send protocol type and name. */
function differs(requested: string | null, known: string | null): boolean {
  return requested !== null && requested !== known;
}
