/**
 * The contract between a coordinator and its runtime. A coordinator is a pure state machine with one _shard_ for each partition
 * of its internal topic (`__consumer_offsets`, `__transaction_state`). The runtime (`broker/coordinator/`) loads shards from
 * the log, passes inputs to them, appends their writes and carries out their other outputs.
 */
import type { MetadataDelta } from '../metadata/delta.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { ErrorRow } from '../protocol/errors.ts';

/** The context of one step. Deadlines use `nowMs` (monotonic clock); times in records use `wallMs` (wall clock). */
export interface StepContext {
  readonly nowMs: number;
  readonly wallMs: number;
  /** This broker's newest metadata image. */
  readonly image: MetadataImage;
  /** Leader epoch of the shard's partition: Kafka's coordinator epoch. */
  readonly leaderEpoch: number;
}

/** One record of the internal topic; a null value is a tombstone. */
export interface CoordinatorRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** A record of the internal topic has a type that this release does not know; a later release may have added it. */
export class UnknownRecordTypeError extends Error {
  override readonly name = 'UnknownRecordTypeError';
  /** The number at the beginning of the key. */
  readonly keyType: number;

  constructor(keyType: number) {
    super(`unknown record type ${keyType}`);
    this.keyType = keyType;
  }
}

/** The producer whose transaction the records belong to. */
export interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** A producer that commits offsets in its transaction. */
export interface VerifiedProducer extends Producer {
  /**
   * What the leader needs to know at the append about the transaction: usually that the transaction coordinator has verified it
   * (KIP-890). The shard does not read this value; the runtime passes it to the append.
   */
  readonly verification: unknown;
}

/** A marker: it ends the producer's transaction in this partition. */
export interface TransactionEnd extends Producer {
  readonly type: 'commit' | 'abort';
  /** Leader epoch of the `__transaction_state` partition whose leader sent the marker. */
  readonly coordinatorEpoch: number;
  /** `transaction.version` of the ended transaction. The marker in the log does not contain it, so it is absent in a replay. */
  readonly transactionVersion?: number;
}

/**
 * Records to append, as a whole or not at all. Small writes may share a batch. The runtime reports the outcome as `written`,
 * `failed` or `timedOut`, unless the broker stops being the coordinator before (`resign`).
 */
export interface Write {
  readonly id: number;
  /** Empty when `end` is given, or when the write only waits for the writes before it. */
  readonly records: readonly CoordinatorRecord[];
  /** The producer whose transaction contains the records: they take effect when it commits. Null: they take effect at once. */
  readonly producer: VerifiedProducer | null;
  /** Not null: the batch is this marker. */
  readonly end: TransactionEnd | null;
}

/** The response to a request. The runtime chose `token` when it passed the request to the shard. */
export interface Reply {
  readonly token: number;
  readonly response: unknown;
}

/** A line for the log. */
export interface Note {
  readonly level: 'debug' | 'info' | 'warn';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/**
 * The output of a step. A coordinator may add fields of its own; the runtime passes the whole output to the function `perform`
 * that the coordinator's service gave it (`broker/coordinator/shard-host.ts`). Of the output for `resign` the runtime uses only
 * replies and notes.
 */
export interface Output {
  readonly writes: readonly Write[];
  readonly replies: readonly Reply[];
  readonly notes: readonly Note[];
}

/** The outcome of a write, from the runtime. */
export type WriteOutcome =
  /** The write is committed. */
  | { readonly type: 'written'; readonly writeId: number }
  /** The write was refused, or waited too long to be appended. It will never be in the log. */
  | { readonly type: 'failed'; readonly writeId: number; readonly error: ErrorRow }
  /**
   * The write took too long, or too few replicas have it: its request gets `error` as response. The write may still be
   * committed; `written` then follows.
   */
  | { readonly type: 'timedOut'; readonly writeId: number; readonly error: ErrorRow };

/**
 * Inputs that the runtime passes to the shards of every coordinator. `written` comes in the order of the writes; `failed` and
 * `timedOut` may come before the outcome of an earlier write.
 */
export type RuntimeInput =
  | WriteOutcome
  /** A deadline has passed, or the runtime's timer has ended early: the shard compares its deadlines with the clock. */
  | { readonly type: 'tick' }
  /** The metadata changed; the image of the context is the new one. */
  | { readonly type: 'metadata'; readonly delta: MetadataDelta }
  /** This broker is no longer the coordinator: every pending request gets a response. */
  | { readonly type: 'resign'; readonly error: ErrorRow };

/**
 * A coordinator. `Input` is the type of the inputs that only this coordinator has. An input that is a request has the token for
 * its response. Invariant: `replay` and `replayEnd` give the same state as the steps that wrote the log.
 */
export interface StateMachine<Shard, Input, Out extends Output = Output> {
  create(context: StepContext): Shard;
  /**
   * Replays one record, in the order of the log. `producer` is null when the record belongs to no transaction. Throws
   * `DecodeError` and `UnknownRecordTypeError`, before it has changed anything.
   */
  replay(shard: Shard, record: CoordinatorRecord, producer: Producer | null): void;
  /** Replays a marker. */
  replayEnd(shard: Shard, end: TransactionEnd): void;
  /**
   * Called when the whole log is replayed and committed. Sets deadlines, and continues work that the last coordinator did not
   * finish.
   */
  loaded(shard: Shard, context: StepContext): Out;
  step(shard: Shard, input: Input | RuntimeInput, context: StepContext): Out;
  /** The time at which the shard needs the next `tick`; infinite when it needs none. */
  nextDeadlineMs(shard: Shard): number;
}
