/**
 * Verifies that the offset commits of a producer belong to its open transaction (KIP-890) before they are appended, as
 * `../api/records/produce-transactions.ts` does for batches. Otherwise a delayed commit that is appended after the end of its
 * transaction would begin a new transaction in the partition, which would never end.
 */
import type { NodeConfig } from '../../config/node-config.ts';
import type { TxnOffsetCommitRequest } from '../../group/types.ts';
import { type ErrorRow, Errors, KafkaError } from '../../protocol/errors.ts';
import type { AppendOptions } from '../../replication/types.ts';
import type { PartitionReplica } from '../services.ts';
import { supportFrom, type TransactionVerifier } from '../txn/transaction-verifier.ts';

type Verification = NonNullable<AppendOptions['verification']> | null;

/** Coordinators write batches without sequence numbers. */
const noSequence = -1;
const abortableVersion = 4;

export class OffsetsVerification {
  readonly #config: NodeConfig;
  readonly #verifier: Pick<TransactionVerifier, 'verify'>;

  constructor(config: NodeConfig, verifier: Pick<TransactionVerifier, 'verify'>) {
    this.#config = config;
    this.#verifier = verifier;
  }

  /**
   * Starts the verification that the append to `partition` needs. The result is null if no request to the transaction
   * coordinator is needed, and 'off' if verification is switched off. Throws, or rejects with, a `KafkaError`.
   */
  begin(
    partition: PartitionReplica,
    apiVersion: number,
    { transactionalId, producerId, producerEpoch }: TxnOffsetCommitRequest,
  ): Verification | Promise<Verification> {
    const support = supportFrom(apiVersion, abortableVersion);
    const isEnabled = this.#config.get('transaction.partition.verification.enable');
    if (!isEnabled && support !== 'add') return 'off';
    const supportsEpochBump = support === 'add';
    const guard = partition.beginVerification({
      producerId,
      producerEpoch,
      sequence: noSequence,
      supportsEpochBump,
    });
    if (guard === null) return null;
    const { topic, index } = partition;
    const partitions = [{ topic, index }];
    const question = { transactionalId, producerId, producerEpoch, partitions, support };
    return this.#verifier.verify(question).then((errors) => {
      const error = errors.get(`${topic}-${index}`);
      if (error !== undefined) throw new KafkaError(refusal(error));
      return isEnabled ? guard : 'off';
    });
  }
}

/** The error for the client. Not every client retries an offset commit after NETWORK_EXCEPTION. */
function refusal(error: ErrorRow): ErrorRow {
  return error === Errors.NETWORK_EXCEPTION ? Errors.COORDINATOR_NOT_AVAILABLE : error;
}
