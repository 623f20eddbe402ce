/**
 * Inputs and outputs of a shard of the transaction coordinator. Field names are those of Kafka's messages. Request versions
 * appear only where the protocol depends on them (`TransactionVersion`).
 */
import type { Output as CoordinatorOutput } from '../coordinator/types.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import type { Partitions } from './partitions.ts';
import type { TransactionVersion } from './transaction.ts';

export interface TxnConfig {
  /** `transaction.max.timeout.ms`: the longest time-out that a producer may request. */
  readonly maxTimeoutMs: number;
  /** `transactional.id.expiration.ms`: how long an unused transactional id is kept. */
  readonly idExpirationMs: number;
  /** `transaction.abort.timed.out.transaction.cleanup.interval.ms`: interval of the sweep for transactions to abort. */
  readonly abortIntervalMs: number;
  /** `transaction.remove.expired.transaction.cleanup.interval.ms`: interval of the sweep for unused transactional ids. */
  readonly expiryIntervalMs: number;
  /** `transaction.two.phase.commit.enable`: whether producers may request transactions without a time-out. */
  readonly twoPhaseCommitEnable: boolean;
}

export interface InitProducerIdRequest {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  /**
   * The producer id and epoch that the producer already has; it requests the next epoch (KIP-360). Both are -1 when it has
   * none.
   */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly enable2Pc: boolean;
}

/** The producer whose transaction a request concerns. */
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

/**
 * A request to write one marker in each of the partitions. The driver reports partitions with the input `marked`: the marker
 * is written, or not needed any more (the topic is gone, the partition knows a later epoch).
 */
export interface MarkerRound {
  readonly round: number;
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly commit: boolean;
  readonly clientVersion: TransactionVersion;
  /** Leader epoch of the coordinator's partition: partition leaders refuse markers of an earlier coordinator. */
  readonly coordinatorEpoch: number;
  readonly partitions: Partitions;
}

/** Outputs of a step besides writes, responses and log lines. */
export interface Output extends CoordinatorOutput {
  readonly markers: readonly MarkerRound[];
  /** How many producer ids the driver has to get. For each it passes `producerId`, or `noProducerId` when it failed. */
  readonly producerIdsWanted: number;
}

/** Inputs of the coordinator besides those that the runtime passes to every shard. */
export type TxnInput =
  | { readonly type: 'initProducerId'; readonly token: number; readonly request: InitProducerIdRequest }
  | { readonly type: 'addPartitions'; readonly token: number; readonly request: AddPartitionsRequest }
  | { readonly type: 'endTxn'; readonly token: number; readonly request: EndTxnRequest }
  /** These partitions have the marker of that round, or need none any more. */
  | {
      readonly type: 'marked';
      readonly transactionalId: string;
      readonly round: number;
      readonly partitions: Partitions;
    }
  | { readonly type: 'producerId'; readonly producerId: number }
  | { readonly type: 'noProducerId'; readonly error: ErrorRow };
