/**
 * What goes into a shard of the transaction coordinator and what comes out. Field names are those of Kafka's messages. Nothing
 * here knows versions of requests, except where the protocol depends on one (`TransactionVersion`).
 */
import type { Output as CoordinatorOutput } from '../coordinator/types.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import type { Partitions } from './partitions.ts';
import type { TransactionVersion } from './transaction.ts';

export interface TxnConfig {
  /** The longest time-out that a producer may ask for. */
  readonly maxTimeoutMs: number;
  /** How long an unused id is kept. */
  readonly idExpirationMs: number;
  /** How often transactions that took too long are looked for. */
  readonly abortIntervalMs: number;
  /** How often unused ids are looked for. */
  readonly expiryIntervalMs: number;
  /** Lets producers ask for transactions without a time-out. */
  readonly twoPhaseCommitEnable: boolean;
}

export interface InitProducerIdRequest {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  /** -1: the producer has none yet; otherwise it wants its own epoch raised (KIP-360). */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly enable2Pc: boolean;
}

/** The producer that asks for a change of an open transaction. */
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

/** The markers of one transaction: each of the partitions needs one. The driver reports them with the input `marked`. */
export interface MarkerRound {
  readonly round: number;
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly commit: boolean;
  readonly clientVersion: TransactionVersion;
  /** Leader epoch of the coordinator's partition: partitions refuse the markers of an older coordinator. */
  readonly coordinatorEpoch: number;
  readonly partitions: Partitions;
}

/** What a step puts out beside writes, answers and notes. */
export interface Output extends CoordinatorOutput {
  readonly markers: readonly MarkerRound[];
  /** So many fresh producer ids are needed: each is given with `producerId`, or refused with `noProducerId`. */
  readonly producerIdsWanted: number;
}

/** Inputs of the coordinator besides those that the runtime gives every shard. */
export type TxnInput =
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
  | { readonly type: 'noProducerId'; readonly error: ErrorRow };
