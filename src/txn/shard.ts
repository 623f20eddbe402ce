/**
 * The coordinator of the transactional ids of one `__transaction_state` partition, as a state machine. Inputs of `step` are
 * requests, passed deadlines, outcomes of writes, reports of written markers, and producer ids (`types.ts`). Its output is
 * records to append, responses, markers to send, the number of producer ids to get, and log lines. It has no I/O and never
 * waits.
 *
 * Invariants:
 * - The state of an id is the committed one; it changes when its record is reported `written`. So it always equals `replay` of
 *   the committed records, except for fields that these do not have (`lastProducerEpoch`; see `records.ts` for version 0).
 * - At most one record of an id is in flight.
 * - Markers are output for a decision only after its record is committed, and a transaction is complete only after all of its
 *   partitions were reported `marked`.
 * - The pair (producer id, producer epoch) of an id never returns to an earlier value.
 * - Each token gets exactly one response, with one exception: after the response to a write that timed out, the shard may
 *   output another one for the same token. The runtime drops responses to tokens that it no longer has.
 *
 * Not here: which broker is the coordinator, reading and appending the log, sending markers, versions of the wire format.
 */
import { assertNever } from '../base/assert.ts';
import { resignWrites, takeOutcome } from '../coordinator/turn.ts';
import type { RuntimeInput, StepContext } from '../coordinator/types.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { addPartitions } from './add-partitions.ts';
import { endTxn } from './end-txn.ts';
import { initProducerId } from './init-producer-id.ts';
import { marked, retryComplete, startRound } from './markers.ts';
import { abortOne, abortOverdue, expireUnused } from './time-outs.ts';
import { isEnding } from './transaction.ts';
import { createTurn, type Fencing, refused, reply, type Request, type Shard, type Turn } from './txn-turn.ts';
import type { Output, TxnConfig, TxnInput } from './types.ts';
import { nextOverdueMs, refuseOverdue, wake } from './waiting.ts';

export function createShard(config: TxnConfig, { nowMs }: StepContext): Shard {
  return {
    config,
    entries: new Map(),
    ongoing: new Set(),
    pending: new Map(),
    waiting: new Set(),
    producerIds: [],
    wantProducerId: [],
    incomplete: new Map(),
    aborting: { rest: null, nextMs: nowMs + config.abortIntervalMs },
    expiring: { rest: null, nextMs: nowMs + config.expiryIntervalMs },
    nextWriteId: 1,
    nextRound: 1,
  };
}

export function step(shard: Shard, input: TxnInput | RuntimeInput, context: StepContext): Output {
  const turn = createTurn(shard, context);
  take(turn, input);
  goOn(turn);
  return turn;
}

/** After the input: starts the markers of new decisions, and handles the requests that waited for the end of a transition. */
function goOn(turn: Turn): void {
  for (const entry of turn.settled) {
    if (entry.isPending) continue;
    if (entry.current !== null && isEnding(entry.current.state) && entry.round === null)
      startRound(turn, entry);
    wake(turn, entry, takeRequest);
  }
}

/** Time of the next `tick` that the shard needs. */
export function nextDeadlineMs(shard: Shard): number {
  const { aborting, expiring, waiting, incomplete } = shard;
  const [retryMs = Number.POSITIVE_INFINITY] = incomplete.values();
  return Math.min(aborting.nextMs, expiring.nextMs, nextOverdueMs(waiting), retryMs);
}

function take(turn: Turn, input: TxnInput | RuntimeInput): void {
  switch (input.type) {
    case 'initProducerId':
    case 'addPartitions':
    case 'endTxn':
      return takeRequest(turn, input);
    case 'marked':
      return marked(turn, input.transactionalId, input.round, input.partitions);
    case 'producerId':
      turn.shard.producerIds.push(input.producerId);
      return takeAgain(turn, turn.shard.wantProducerId.shift());
    case 'noProducerId':
      return refuse(turn, turn.shard.wantProducerId.shift(), input.error);
    case 'written':
    case 'failed':
    case 'timedOut':
      return takeOutcome(turn, input);
    case 'metadata':
      return;
    case 'tick':
      return tick(turn);
    case 'resign':
      return resign(turn, input.error);
    default:
      return assertNever(input);
  }
}

function takeRequest(turn: Turn, input: Request): void {
  switch (input.type) {
    case 'initProducerId':
      return initProducerId(turn, input);
    case 'addPartitions':
      return addPartitions(turn, input);
    case 'endTxn':
      return endTxn(turn, input);
    default:
      return assertNever(input);
  }
}

function takeAgain(turn: Turn, work: Request | Fencing | undefined): void {
  if (work === undefined) return;
  if (work.type !== 'fence') return takeRequest(turn, work);
  const entry = turn.shard.entries.get(work.transactionalId);
  if (entry !== undefined) abortOne(turn, entry);
}

function refuse(turn: Turn, work: Request | Fencing | undefined, error: ErrorRow): void {
  if (work !== undefined && work.type !== 'fence') reply(turn, work.token, refused(error));
}

function tick(turn: Turn): void {
  refuseOverdue(turn);
  retryComplete(turn);
  abortOverdue(turn);
  expireUnused(turn);
}

function resign(turn: Turn, error: ErrorRow): void {
  const { waiting, wantProducerId } = turn.shard;
  resignWrites(turn, error);
  for (const { input } of waiting) reply(turn, input.token, refused(error));
  for (const work of wantProducerId) refuse(turn, work, error);
  waiting.clear();
  wantProducerId.length = 0;
}
