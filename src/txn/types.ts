/**
 * Inputs and outputs of a shard of the transaction coordinator. Field names are those of Kafka's messages. Request versions appear
 * only where the protocol depends on them (`TransactionVersion`).
 */
import type { Output as CoordinatorOutput } from '../coordinator/types.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import type { Partitions } from './partitions.ts';
import type { TransactionVersion } from './transaction.ts';

export interface TxnConfig {
  /** The longest time-out that a producer may request. */
  readonly maxTimeoutMs: number;
  /** How long an unused id is kept. */
  readonly idExpirationMs: number;
  /** Interval of the sweep for transactions that took too long. */
  readonly abortIntervalMs: number;
  /** Interval of the sweep for unused ids. */
  readonly expiryIntervalMs: number;
  /** Allows producers to request transactions without a time-out. */
  readonly twoPhaseCommitEnable: boolean;
}

export interface InitProducerIdRequest {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  /** -1: the producer has none yet; otherwise it wants its own epoch incremented (KIP-360). */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly enable2Pc: boolean;
}

/** The producer that requests a change of an open transaction. */
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

/** The markers of one transaction, one for each of the partitions. The driver reports them with the input `marked`. */
export interface MarkerRound {
  readonly round: number;
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly commit: boolean;
  readonly clientVersion: TransactionVersion;
  /** Leader epoch of the coordinator's partition: partitions refuse markers of an older coordinator. */
  readonly coordinatorEpoch: number;
  readonly partitions: Partitions;
}

/** Outputs of a step besides writes, responses and log lines. */
export interface Output extends CoordinatorOutput {
  readonly markers: readonly MarkerRound[];
  /** Number of new producer ids that are needed; each is passed with `producerId`, or refused with `noProducerId`. */
  readonly producerIdsWanted: number;
}

/** Inputs of the coordinator besides those that the runtime passes to every shard. */
export type TxnInput =
  | { readonly type: 'initProducerId'; readonly token: number; readonly request: InitProducerIdRequest }
  | { readonly type: 'addPartitions'; readonly token: number; readonly request: AddPartitionsRequest }
  | { readonly type: 'endTxn'; readonly token: number; readonly request: EndTxnRequest }
  /** These partitions have the marker of that round, or were deleted. */
  | {
      readonly type: 'marked';
      readonly transactionalId: string;
      readonly round: number;
      readonly partitions: Partitions;
    }
  | { readonly type: 'producerId'; readonly producerId: number }
  | { readonly type: 'noProducerId'; readonly error: ErrorRow };
