/**
 * Verifies that a group's offsets belong to an open transaction (KIP-890) before they are appended, as Produce does for batches
 * (`../api/records/produce-transactions.ts`). A delayed commit must not begin a transaction in the partition after its
 * coordinator has ended it: that one would never end.
 */
import type { NodeConfig } from '../../config/node-config.ts';
import type { TxnOffsetCommitRequest } from '../../group/types.ts';
import { type ErrorRow, Errors, KafkaError } from '../../protocol/errors.ts';
import type { AppendOptions } from '../../replication/types.ts';
import type { PartitionReplica } from '../services.ts';
import { supportFrom, type TransactionVerifier } from '../txn/transaction-verifier.ts';

type Verification = NonNullable<AppendOptions['verification']> | null;

/** Coordinators write without sequences. */
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
   * Starts the verification that the append to `partition` needs; null when the coordinator need not be asked. Throws, or rejects
   * with, a `KafkaError`.
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

/** Replaces NETWORK_EXCEPTION, which not every client retries for offset commits. */
function refusal(error: ErrorRow): ErrorRow {
  return error === Errors.NETWORK_EXCEPTION ? Errors.COORDINATOR_NOT_AVAILABLE : error;
}
