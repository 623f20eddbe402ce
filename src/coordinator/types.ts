/**
 * The contract between a coordinator and its runtime. A coordinator is a pure state machine, one _shard_ for each partition of
 * its internal topic (`__consumer_offsets`, `__transaction_state`); the runtime (`broker/coordinator/`) loads shards from the
 * log, feeds them, appends what they want written and performs what they put out.
 */
import type { MetadataDelta } from '../metadata/delta.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { ErrorRow } from '../protocol/errors.ts';

/** What one step knows beside its input. Deadlines count on `nowMs` (monotonic), records carry `wallMs`. */
export interface StepContext {
  readonly nowMs: number;
  readonly wallMs: number;
  /** Of this broker, as new as it has one. */
  readonly image: MetadataImage;
  /** Of the shard's partition: Kafka's coordinator epoch. */
  readonly leaderEpoch: number;
}

/** One record of the internal topic; a null value is a tombstone. */
export interface CoordinatorRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** Whose transaction records belong to. */
export interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** A producer whose transaction was checked before the append (KIP-890). */
export interface VerifiedProducer extends Producer {
  /** What the check gave, and the log wants to see again; the coordinator passes it on. */
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

/** Something worth a line in the log. */
export interface Note {
  readonly level: 'debug' | 'info' | 'warn';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** What a step puts out. A coordinator may add fields of its own, which the runtime hands to its `perform`. */
export interface Output {
  readonly writes: readonly Write[];
  readonly replies: readonly Reply[];
  readonly notes: readonly Note[];
}

/** What the runtime tells about a write. */
export type WriteOutcome =
  /** The write is committed: it holds. */
  | { readonly type: 'written'; readonly writeId: number }
  /** The write was refused and will never be in the log. */
  | { readonly type: 'failed'; readonly writeId: number; readonly error: ErrorRow }
  /** The outcome is not known yet. Pending requests are answered; `written` may still follow. */
  | { readonly type: 'timedOut'; readonly writeId: number; readonly error: ErrorRow };

/** What the runtime tells every shard. Outcomes of writes come in the order of the writes. */
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
 * `replay` and `replayEnd` must give what the steps that wrote the log had made of the shard.
 */
export interface StateMachine<Shard, Input, Out extends Output = Output> {
  create(context: StepContext): Shard;
  /** One record of the log, in its order; `producer` when it belongs to a transaction. Throws `DecodeError`. */
  replay(shard: Shard, record: CoordinatorRecord, producer: Producer | null): void;
  /** A marker of the log. */
  replayEnd(shard: Shard, end: TransactionEnd): void;
  /** The whole log is replayed and committed: deadlines start, and whatever was left undone goes on. */
  loaded(shard: Shard, context: StepContext): Out;
  step(shard: Shard, input: Input | RuntimeInput, context: StepContext): Out;
  /** When the shard wants its next `tick`; infinite when it wants none. */
  nextDeadlineMs(shard: Shard): number;
}
