/**
 * The contract between a coordinator and its runtime. A coordinator is a pure state machine with one _shard_ for each partition of
 * its internal topic (`__consumer_offsets`, `__transaction_state`). The runtime (`broker/coordinator/`) loads shards from the log,
 * passes inputs to them, appends their writes and carries out their other outputs.
 */
import type { MetadataDelta } from '../metadata/delta.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { ErrorRow } from '../protocol/errors.ts';

/** The context of one step. Deadlines use `nowMs` (monotonic), records use `wallMs`. */
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

/** The producer whose transaction the records belong to. */
export interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** A producer whose transaction was verified before the append (KIP-890). */
export interface VerifiedProducer extends Producer {
  /** The result of the verification, which the append to the log needs; the coordinator passes it on. */
  readonly verification: unknown;
}

/** A marker: the transaction of the producer ends in this partition. */
export interface TransactionEnd extends Producer {
  readonly type: 'commit' | 'abort';
  /** Leader epoch of the `__transaction_state` partition whose leader sent the marker. */
  readonly coordinatorEpoch: number;
  /** `transaction.version` of the transaction; the log does not store it. */
  readonly transactionVersion?: number;
}

/** One atomic batch to append. The runtime reports its outcome as `written`, `failed` or `timedOut`. */
export interface Write {
  readonly id: number;
  /** Empty when `end` is given. */
  readonly records: readonly CoordinatorRecord[];
  /** The records belong to this producer's transaction; null: they take effect at once. */
  readonly producer: VerifiedProducer | null;
  /** The batch is this marker. */
  readonly end: TransactionEnd | null;
}

/** The response to the request with `token`. */
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
  /** The outcome is not known yet. Pending requests get a response; `written` may still follow. */
  | { readonly type: 'timedOut'; readonly writeId: number; readonly error: ErrorRow };

/** Inputs from the runtime to every shard. Outcomes of writes come in the order of the writes. */
export type RuntimeInput =
  | WriteOutcome
  /** A deadline has passed. */
  | { readonly type: 'tick' }
  /** The metadata changed; the image of the context is the new one. */
  | { readonly type: 'metadata'; readonly delta: MetadataDelta }
  /** This broker is no longer the coordinator: every pending request gets a response. */
  | { readonly type: 'resign'; readonly error: ErrorRow };

/**
 * A coordinator. `Input`: its requests, each with the token for its response, and its other inputs. `replay` and `replayEnd` must
 * give the same state as the steps that wrote the log.
 */
export interface StateMachine<Shard, Input, Out extends Output = Output> {
  create(context: StepContext): Shard;
  /** Replays one record, in the order of the log; `producer` when it belongs to a transaction. Throws `DecodeError`. */
  replay(shard: Shard, record: CoordinatorRecord, producer: Producer | null): void;
  /** Replays a marker. */
  replayEnd(shard: Shard, end: TransactionEnd): void;
  /** The whole log is replayed and committed: starts deadlines, and continues unfinished work. */
  loaded(shard: Shard, context: StepContext): Out;
  step(shard: Shard, input: Input | RuntimeInput, context: StepContext): Out;
  /** Time of the next `tick`; infinite when none is needed. */
  nextDeadlineMs(shard: Shard): number;
}
