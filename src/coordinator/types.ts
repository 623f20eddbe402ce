/**
 * The contract between a coordinator and its runtime. A coordinator is a pure state machine, one _shard_ for each partition of
 * its internal topic (`__consumer_offsets`, `__transaction_state`); the runtime (`broker/coordinator/`) loads shards from the
 * log, gives them inputs, appends their writes and performs their other outputs.
 */
import type { MetadataDelta } from '../metadata/delta.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { ErrorRow } from '../protocol/errors.ts';

/** The context of one step. Deadlines use `nowMs` (monotonic), records carry `wallMs`. */
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

/** The producer to whose transaction records belong. */
export interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** A producer whose transaction was checked before the append (KIP-890). */
export interface VerifiedProducer extends Producer {
  /** The result of the check, which the append to the log needs; the coordinator passes it on. */
  readonly verification: unknown;
}

/** A marker in the partition: the transaction of the producer ends here. */
export interface TransactionEnd extends Producer {
  readonly type: 'commit' | 'abort';
  /** Leader epoch of the `__transaction_state` partition whose leader sent the marker. */
  readonly coordinatorEpoch: number;
  /** `transaction.version` of the transaction; the log does not keep it. */
  readonly transactionVersion?: number;
}

/** One atomic batch to append. The runtime reports its outcome as `written`, `failed` or `timedOut`. */
export interface Write {
  readonly id: number;
  /** Empty when `end` is given. */
  readonly records: readonly CoordinatorRecord[];
  /** The records belong to this producer's transaction; null: they count at once. */
  readonly producer: VerifiedProducer | null;
  /** The batch is this marker. */
  readonly end: TransactionEnd | null;
}

/** The answer to the request that came with `token`. */
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

/** The output of a step. A coordinator may add fields of its own, which the runtime passes to its `perform`. */
export interface Output {
  readonly writes: readonly Write[];
  readonly replies: readonly Reply[];
  readonly notes: readonly Note[];
}

/** The outcome of a write, from the runtime. */
export type WriteOutcome =
  /** The write is committed. */
  | { readonly type: 'written'; readonly writeId: number }
  /** The write was refused and will never be in the log. */
  | { readonly type: 'failed'; readonly writeId: number; readonly error: ErrorRow }
  /** The outcome is not known yet. Pending requests are answered; `written` may still follow. */
  | { readonly type: 'timedOut'; readonly writeId: number; readonly error: ErrorRow };

/** Inputs from the runtime that every shard gets. Outcomes of writes come in the order of the writes. */
export type RuntimeInput =
  | WriteOutcome
  /** A deadline has come. */
  | { readonly type: 'tick' }
  /** The metadata changed; the image of the context is the new one. */
  | { readonly type: 'metadata'; readonly delta: MetadataDelta }
  /** This broker no longer is the coordinator: every waiting request is answered. */
  | { readonly type: 'resign'; readonly error: ErrorRow };

/**
 * A coordinator. `Input`: its requests, each with the token of its response, and its other inputs.
 * `replay` and `replayEnd` must give the same state as the steps that wrote the log.
 */
export interface StateMachine<Shard, Input, Out extends Output = Output> {
  create(context: StepContext): Shard;
  /** One record of the log, in its order; `producer` when it belongs to a transaction. Throws `DecodeError`. */
  replay(shard: Shard, record: CoordinatorRecord, producer: Producer | null): void;
  /** A marker of the log. */
  replayEnd(shard: Shard, end: TransactionEnd): void;
  /** The whole log is replayed and committed: deadlines start, and unfinished work continues. */
  loaded(shard: Shard, context: StepContext): Out;
  step(shard: Shard, input: Input | RuntimeInput, context: StepContext): Out;
  /** When the shard wants its next `tick`; infinite when it wants none. */
  nextDeadlineMs(shard: Shard): number;
}
