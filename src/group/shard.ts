/**
 * The coordinator of the groups of one `__consumer_offsets` partition, as a state machine. Inputs of `step` are requests,
 * passed deadlines, outcomes of writes, and changes of metadata. Its output is records to append, responses and log lines. It
 * has no I/O and never waits. The token of a pending JoinGroup or SyncGroup request of a classic group is stored in the member
 * until the rebalance completes.
 *
 * Invariants:
 * - Committed offsets, deletions and expiries change the state when their write is reported `written`, in the order of the log.
 *   So OffsetFetch returns replicated offsets only, and the offsets always equal `replay` of the records written so far.
 * - A classic group becomes Stable only after its assignment is replicated. Members of either type of group get an assignment
 *   only after it is replicated.
 * - Each token gets exactly one response, with one exception: after the response to a write that timed out, the shard may
 *   output another one for the same token. The runtime drops responses to tokens that it no longer has.
 *
 * Not here: which broker is the coordinator, reading and appending the log, versions of the wire format.
 */
import { assertNever } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import type { Uuid } from '../base/uuid.ts';
import { resignWrites, takeOutcome } from '../coordinator/turn.ts';
import type { MetadataDelta } from '../metadata/delta.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { describeLater } from './consumer/describe.ts';
import { expireConsumerDeadline, resignConsumerGroup } from './consumer/expiry.ts';
import { consumerHeartbeat } from './consumer/heartbeat.ts';
import { expireJoin, expirePending, expireSession, expireSync, resign } from './classic/rebalance.ts';
import { heartbeat, join, leave, sync } from './classic-requests.ts';
import { Deadline, Deadlines } from './deadlines.ts';
import { deleteGroup } from './delete-group.ts';
import { commitOffsets, deleteOffsets } from './offsets.ts';
import { PendingOffsets } from './pending-offsets.ts';
import { startSweep, sweepSlice } from './sweep.ts';
import { commitTransactionalOffsets, completeTransaction } from './txn-offsets.ts';
import type { Shard, Turn } from './group-turn.ts';
import { createTurn } from './group-turn.ts';
import type { GroupConfig, Input, Output, StepContext } from './types.ts';

export function createShard(config: GroupConfig, random: Random, context: StepContext): Shard {
  const shard: Shard = {
    config,
    random,
    groups: new Map(),
    deadlines: new Deadlines(),
    pending: new Map(),
    sweeps: [],
    sweepDeadline: new Deadline('sweep'),
    nextExpiryMs: context.nowMs + config.offsetsRetentionCheckIntervalMs,
    nextWriteId: 1,
    pendingOffsets: new PendingOffsets(),
    nextOrder: 0,
    newTopicsAt: context.image.offset,
  };
  shard.deadlines.set(shard.sweepDeadline, shard.nextExpiryMs);
  return shard;
}

export function step(shard: Shard, input: Input, context: StepContext): Output {
  const turn = createTurn(shard, context);
  take(turn, input);
  return turn;
}

/** Time of the next `tick` that the shard needs; infinite when it needs none. */
export function nextDeadlineMs(shard: Shard): number {
  return shard.deadlines.nextMs();
}

function take(turn: Turn, input: Input): void {
  switch (input.type) {
    case 'join':
      return join(turn, input.token, input.caller, input.request);
    case 'sync':
      return sync(turn, input.token, input.request);
    case 'heartbeat':
      return heartbeat(turn, input.token, input.request);
    case 'consumerHeartbeat':
      return consumerHeartbeat(turn, input.token, input.caller, input.request);
    case 'describeConsumer':
      return describeLater(turn, input.token, input.groupId);
    case 'leave':
      return leave(turn, input.token, input.request);
    case 'commit':
      return commitOffsets(turn, input.token, input.apiVersion, input.request);
    case 'txnCommit':
      return commitTransactionalOffsets(turn, input);
    case 'completeTransaction':
      return completeTransaction(turn, input.token, input.end);
    case 'deleteOffsets':
      return deleteOffsets(turn, input.token, input.request);
    case 'deleteGroup':
      return deleteGroup(turn, input.token, input.groupId);
    case 'metadata':
      return metadataChanged(turn, input.delta);
    case 'written':
    case 'failed':
    case 'timedOut':
      return takeOutcome(turn, input);
    case 'tick':
      return tick(turn);
    case 'resign':
      return resignAll(turn, input.error);
    default:
      return assertNever(input);
  }
}

/** Topics were deleted or changed: starts to remove the offsets of deleted topics, and informs the consumer groups. */
function metadataChanged(turn: Turn, delta: MetadataDelta): void {
  const deleted = new Map<string, Uuid>();
  for (const id of delta.removedTopics) {
    const name = delta.before.topics.byId(id)?.name;
    if (name !== undefined) deleted.set(name, id);
  }
  if (deleted.size > 0) startSweep(turn, deleted);
  noteChangedTopics(turn, delta);
}

/** As in Kafka, consumer groups compare their subscribed topics again at the next heartbeat. */
function noteChangedTopics(turn: Turn, { before, changedTopics, removedTopics }: MetadataDelta): void {
  const { shard, image } = turn;
  let hasChanged = removedTopics.size > 0;
  for (const id of changedTopics) {
    const was = before.topics.byId(id)?.partitions.length;
    if (was === undefined) shard.newTopicsAt = image.offset;
    if (was !== image.topics.byId(id)?.partitions.length) hasChanged = true;
  }
  if (!hasChanged) return;
  for (const group of shard.groups.values()) if (group.kind === 'consumer') group.metadataStale = true;
}

/**
 * One tick handles at most this many deadlines, so that the expiry of many members at once does not block the event loop. The
 * next tick continues.
 */
const deadlinesPerTickMax = 500;

function tick(turn: Turn): void {
  const { shard, nowMs } = turn;
  for (let i = 0; i < deadlinesPerTickMax; i++) {
    const deadline = shard.deadlines.due(nowMs);
    if (deadline === null) return;
    if (deadline.kind === 'sweep') {
      sweepSlice(turn);
      continue;
    }
    const group = shard.groups.get(deadline.groupId);
    if (group === undefined) continue;
    if (group.kind === 'consumer') expireConsumerDeadline(turn, group, deadline);
    else if (deadline.kind === 'session') expireSession(turn, group, deadline);
    else if (deadline.kind === 'pending') expirePending(turn, group, deadline);
    else if (deadline.kind === 'join') expireJoin(turn, group);
    else if (deadline.kind === 'sync') expireSync(turn, group);
  }
}

function resignAll(turn: Turn, error: ErrorRow): void {
  for (const group of turn.shard.groups.values()) {
    if (group.kind === 'consumer') resignConsumerGroup(turn, group, error);
    else resign(turn, group, error);
  }
  resignWrites(turn, error);
}
