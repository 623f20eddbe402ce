/**
 * What goes into a shard of the transaction coordinator and what comes out. Field names are those of Kafka's messages. Nothing
 * here knows versions of requests, except where the protocol depends on one (`TransactionVersion`).
 */
import type { ErrorRow } from '../protocol/errors.ts';
import type { Partitions } from './partitions.ts';
import type { TransactionVersion } from './transaction.ts';

export interface TxnConfig {
  /** The longest time-out that a producer may ask for. */
  readonly maxTimeoutMs: number;
  /** How long an id is kept that nobody uses. */
  readonly idExpirationMs: number;
  /** How often transactions that took too long are looked for. */
  readonly abortIntervalMs: number;
  /** How often unused ids are looked for. */
  readonly expiryIntervalMs: number;
  /** Lets producers ask for transactions without a time-out. */
  readonly twoPhaseCommitEnable: boolean;
}

/** The two clocks of one step: deadlines count on `nowMs` (monotonic), records carry `wallMs`. */
export interface Now {
  readonly nowMs: number;
  readonly wallMs: number;
}

export interface InitProducerIdRequest {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  /** -1: the producer has none yet; otherwise it wants its own epoch raised, and nobody else's (KIP-360). */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly enable2Pc: boolean;
}

/** Who asks for a change of an open transaction. */
export interface ProducerRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface AddPartitionsRequest extends ProducerRequest {
  readonly partitions: Partitions;
  readonly clientVersion: TransactionVersion;
}

export interface EndTxnRequest extends ProducerRequest {
  readonly committed: boolean;
  readonly clientVersion: TransactionVersion;
}

export interface ProducerAnswer {
  readonly errorCode: number;
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** One record of `__transaction_state`; a null value is a tombstone. */
export interface TxnRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** Records to append as one atomic batch. The driver reports the outcome with the input `written`, `failed` or `timedOut`. */
export interface Write {
  readonly id: number;
  readonly records: readonly TxnRecord[];
}

/** The answer to the request that came with `token`. */
export interface Reply {
  readonly token: number;
  readonly response: ProducerAnswer | { readonly errorCode: number };
}

/** Something worth a line in the log. */
export interface Note {
  readonly level: 'debug' | 'info' | 'warn';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** The markers of one transaction: each of the partitions needs one. The driver reports them with the input `marked`. */
export interface MarkerRound {
  readonly round: number;
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly commit: boolean;
  readonly clientVersion: TransactionVersion;
  readonly partitions: Partitions;
}

export interface Output {
  readonly writes: readonly Write[];
  readonly replies: readonly Reply[];
  readonly notes: readonly Note[];
  readonly markers: readonly MarkerRound[];
  /** So many fresh producer ids are needed: each is given with `producerId`, or refused with `noProducerId`. */
  readonly producerIdsWanted: number;
}

export type Input =
  | { readonly type: 'initProducerId'; readonly token: number; readonly request: InitProducerIdRequest }
  | { readonly type: 'addPartitions'; readonly token: number; readonly request: AddPartitionsRequest }
  | { readonly type: 'endTxn'; readonly token: number; readonly request: EndTxnRequest }
  /** These partitions have the marker of that round, or are gone. */
  | {
      readonly type: 'marked';
      readonly transactionalId: string;
      readonly round: number;
      readonly partitions: Partitions;
    }
  | { readonly type: 'producerId'; readonly producerId: number }
  | { readonly type: 'noProducerId'; readonly error: ErrorRow }
  /** The cluster's `transaction.version` is now this. */
  | { readonly type: 'version'; readonly version: TransactionVersion }
  /** The write is replicated: it holds. */
  | { readonly type: 'written'; readonly writeId: number }
  /** The write was refused and will never be in the log. */
  | { readonly type: 'failed'; readonly writeId: number; readonly error: ErrorRow }
  /** Nobody knows yet; the requests that wait are answered, `written` or `failed` still come. */
  | { readonly type: 'timedOut'; readonly writeId: number; readonly error: ErrorRow }
  /** A deadline has come. */
  | { readonly type: 'tick' }
  /** This broker no longer is the coordinator: every waiting request is answered. */
  | { readonly type: 'resign'; readonly error: ErrorRow };
