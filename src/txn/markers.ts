/**
 * From the decision (PrepareCommit, PrepareAbort) to the complete state. A _round_ requests a marker in each partition of the
 * transaction. When each partition is reported as `marked`, the coordinator writes the record of the complete state.
 *
 * A round ends with the complete state, or when this broker stops being the coordinator. The next coordinator then begins a new
 * round, with a higher coordinator epoch.
 */
import { assert } from '../base/assert.ts';
import { mark } from '../base/mark.ts';
import { Errors } from '../protocol/errors.ts';
import { difference, type Partitions } from './partitions.ts';
import { completed, isEnding } from './transaction.ts';
import { change, type Entry, note, type Turn } from './txn-turn.ts';

/** Delay before the coordinator again tries to write a complete state after a failed write. */
const completeRetryMs = 100;

/** Called for an id whose committed state is PrepareCommit or PrepareAbort. */
export function startRound(turn: Turn, entry: Entry): void {
  const { shard, markers } = turn;
  const { current, transactionalId } = entry;
  assert(current !== null && isEnding(current.state), 'markers follow a decision');
  entry.round = { id: shard.nextRound++, missing: current.partitions };
  if (current.partitions.size === 0) return complete(turn, entry);
  markers.push({
    round: entry.round.id,
    transactionalId,
    producerId: current.producerId,
    producerEpoch: current.producerEpoch,
    commit: current.state === 'PrepareCommit',
    clientVersion: current.clientVersion,
    coordinatorEpoch: turn.leaderEpoch,
    partitions: current.partitions,
  });
}

export function marked(turn: Turn, transactionalId: string, round: number, partitions: Partitions): void {
  const entry = turn.shard.entries.get(transactionalId);
  if (entry === undefined || entry.round?.id !== round) return;
  entry.round.missing = difference(entry.round.missing, partitions);
  if (entry.round.missing.size === 0 && !entry.isPending) complete(turn, entry);
}

function complete(turn: Turn, entry: Entry): void {
  const { current, transactionalId } = entry;
  assert(current !== null && isEnding(current.state), 'only a decided transaction is completed');
  const next = completed(current, turn.wallMs);
  change(turn, entry, next, (later, error) => {
    if (error === null || error === Errors.NOT_COORDINATOR) return;
    mark('txn.complete-failed');
    note(later, 'warn', 'the complete state of a transaction could not be written and is retried', {
      transactionalId,
      error: error.name,
    });
    later.shard.incomplete.set(entry, later.nowMs + completeRetryMs);
  });
}

export function retryComplete(turn: Turn): void {
  for (const [entry, atMs] of turn.shard.incomplete) {
    if (atMs > turn.nowMs) return;
    turn.shard.incomplete.delete(entry);
    if (!entry.isPending && entry.current !== null && isEnding(entry.current.state)) complete(turn, entry);
  }
}
