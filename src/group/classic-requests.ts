/**
 * The requests of the classic protocol: JoinGroup (11), Heartbeat (12), LeaveGroup (13) and SyncGroup (14). A classic group
 * handles them itself (`classic/`). A consumer group handles them for its members of the classic protocol, while its clients
 * are migrated (`consumer/migration/classic-members.ts`).
 */
import { Errors } from '../protocol/errors.ts';
import { heartbeatClassicGroup } from './classic/heartbeat.ts';
import { joinClassicGroup } from './classic/join.ts';
import { leaveClassicGroup } from './classic/leave.ts';
import { joinRefused } from './classic/responses.ts';
import { syncClassicGroup } from './classic/sync.ts';
import {
  heartbeatConsumerGroup,
  joinConsumerGroup,
  leaveConsumerGroup,
  syncConsumerGroup,
} from './consumer/migration/classic-members.ts';
import { becomeClassic } from './consumer/migration/downgrade.ts';
import type { Turn } from './group-turn.ts';
import { reply } from './group-turn.ts';
import type { Caller, HeartbeatRequest, JoinRequest, LeaveRequest, SyncRequest } from './types.ts';

/**
 * A consumer group without members becomes a classic group. A consumer group with members accepts the classic member, during
 * the online migration.
 */
export function join(turn: Turn, token: number, caller: Caller, request: JoinRequest): void {
  const { groupId, memberId, sessionTimeoutMs } = request;
  const { minSessionTimeoutMs, maxSessionTimeoutMs } = turn.shard.config;
  if (groupId === '') return reply(turn, token, joinRefused(memberId, Errors.INVALID_GROUP_ID));
  if (sessionTimeoutMs < minSessionTimeoutMs || sessionTimeoutMs > maxSessionTimeoutMs)
    return reply(turn, token, joinRefused(memberId, Errors.INVALID_SESSION_TIMEOUT));
  const group = turn.shard.groups.get(groupId);
  if (group?.kind !== 'consumer') return joinClassicGroup(turn, group, token, caller, request);
  if (group.deleting) return reply(turn, token, joinRefused(memberId, Errors.COORDINATOR_NOT_AVAILABLE));
  const again = (later: Turn) => join(later, token, caller, request);
  if (group.members.size === 0 && group.batch === null) becomeClassic(turn, group, token, request, again);
  else joinConsumerGroup(turn, group, token, caller, request, again);
}

export function sync(turn: Turn, token: number, request: SyncRequest): void {
  const group = turn.shard.groups.get(request.groupId);
  if (group?.kind !== 'consumer') return syncClassicGroup(turn, group, token, request);
  syncConsumerGroup(turn, group, token, request, (later) => sync(later, token, request));
}

export function heartbeat(turn: Turn, token: number, request: HeartbeatRequest): void {
  const group = turn.shard.groups.get(request.groupId);
  if (group?.kind !== 'consumer') return heartbeatClassicGroup(turn, group, token, request);
  heartbeatConsumerGroup(turn, group, token, request, (later) => heartbeat(later, token, request));
}

export function leave(turn: Turn, token: number, request: LeaveRequest): void {
  const group = turn.shard.groups.get(request.groupId);
  if (group?.kind !== 'consumer') return leaveClassicGroup(turn, group, token, request);
  leaveConsumerGroup(turn, group, token, request, (later) => leave(later, token, request));
}
