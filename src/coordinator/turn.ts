/**
 * A _turn_ is one step of a shard: the functions of a coordinator read the shard through it and add their output to it. Offsets
 * and transactions change when a write is committed (`apply`). What a step has changed before the commit, such as the members
 * of a consumer group, is undone by `undo` when the write fails.
 */
import type { ErrorRow } from '../protocol/errors.ts';
import type {
  CoordinatorRecord,
  Note,
  Reply,
  StepContext,
  TransactionEnd,
  VerifiedProducer,
  Write,
  WriteOutcome,
} from './types.ts';

/** One step: the shard, the context (time, metadata), and the output so far. */
export interface Turn<Shard> extends StepContext {
  readonly shard: Shard;
  readonly writes: Write[];
  readonly replies: Reply[];
  readonly notes: Note[];
}

/** What happens at the outcome of a write. `T`: the coordinator's type of turns. */
export interface Pending<T> {
  /** Called when the write is committed: changes the state. */
  readonly apply: (turn: T) => void;
  /** Called when the write failed: undoes what the step changed before the commit. */
  readonly undo: (turn: T, error: ErrorRow) => void;
  /** Called last: responds to the request that caused the write. `error` is null when the write succeeded. */
  readonly answer: (turn: T, error: ErrorRow | null) => void;
  /** Whether `undo` is also called when the write times out, although the write may still be committed later. */
  readonly undoOnTimeout: boolean;
}

/** Every shard has these fields: the writes whose outcome is not known yet, by their id. */
export interface PendingWrites<T> {
  readonly pending: Map<number, Pending<T>>;
  nextWriteId: number;
}

export function createTurn<Shard>(shard: Shard, context: StepContext): Turn<Shard> {
  const { nowMs, wallMs, image, leaderEpoch } = context;
  return { shard, nowMs, wallMs, image, leaderEpoch, writes: [], replies: [], notes: [] };
}

export function reply<Shard>(turn: Turn<Shard>, token: number, response: unknown): void {
  turn.replies.push({ token, response });
}

export function note<Shard>(
  turn: Turn<Shard>,
  level: Note['level'],
  message: string,
  fields: Record<string, unknown>,
): void {
  turn.notes.push({ level, message, fields });
}

/** Outputs one write with all of `records`, in the transaction of `producer` if one is given. Returns the id of the write. */
export function write<T extends Turn<PendingWrites<T>>>(
  turn: T,
  records: readonly CoordinatorRecord[],
  pending: Partial<Pending<T>>,
  producer: VerifiedProducer | null = null,
): number {
  return put(turn, { records, producer, end: null }, pending);
}

/** Outputs the marker that ends a transaction in this partition. */
export function writeEnd<T extends Turn<PendingWrites<T>>>(
  turn: T,
  end: TransactionEnd,
  pending: Partial<Pending<T>>,
): number {
  return put(turn, { records: [], producer: null, end }, pending);
}

function put<T extends Turn<PendingWrites<T>>>(
  turn: T,
  write: Omit<Write, 'id'>,
  pending: Partial<Pending<T>>,
): number {
  const id = turn.shard.nextWriteId++;
  turn.shard.pending.set(id, {
    apply: pending.apply ?? nothing,
    undo: pending.undo ?? nothing,
    answer: pending.answer ?? nothing,
    undoOnTimeout: pending.undoOnTimeout ?? false,
  });
  turn.writes.push({ id, ...write });
  return id;
}

function nothing(): void {}

/** Applies or undoes a write according to its outcome, then responds to the request that caused it. */
export function takeOutcome<T extends Turn<PendingWrites<T>>>(turn: T, outcome: WriteOutcome): void {
  const pending = turn.shard.pending.get(outcome.writeId);
  if (pending === undefined) return;
  if (outcome.type === 'timedOut') {
    if (pending.undoOnTimeout) pending.undo(turn, outcome.error);
    pending.answer(turn, outcome.error);
    return;
  }
  turn.shard.pending.delete(outcome.writeId);
  if (outcome.type === 'written') pending.apply(turn);
  else pending.undo(turn, outcome.error);
  pending.answer(turn, outcome.type === 'written' ? null : outcome.error);
}

/**
 * This broker is no longer the coordinator: requests whose write is pending get `error`. The outcome of those writes is
 * ignored.
 */
export function resignWrites<T extends Turn<PendingWrites<T>>>(turn: T, error: ErrorRow): void {
  for (const pending of turn.shard.pending.values()) pending.answer(turn, error);
  turn.shard.pending.clear();
}
