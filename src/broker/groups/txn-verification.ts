/**
 * Whether a group's offsets belong to a transaction that is open (KIP-890), asked before they are appended; what Produce does for
 * batches of clients (`../api/produce-transactions.ts`). A commit that was late on the network must not begin a transaction in the
 * partition that its coordinator has ended: that one would never end.
 */
import type { NodeConfig } from '../../config/node-config.ts';
import type { TxnOffsetCommitRequest } from '../../group/types.ts';
import { type ErrorRow, Errors, KafkaError } from '../../protocol/errors.ts';
import type { AppendOptions } from '../../replication/types.ts';
import type { PartitionReplica } from '../services.ts';
import { supportFrom, type TransactionVerifier } from '../txn/transaction-verifier.ts';

type Verification = NonNullable<AppendOptions['verification']> | null;

/** Of the sequence that a guard asks for: coordinators write without sequences. */
const noSequence = -1;
const abortableVersion = 4;

export class OffsetsVerification {
  readonly #config: NodeConfig;
  readonly #verifier: Pick<TransactionVerifier, 'ask'>;

  constructor(config: NodeConfig, verifier: Pick<TransactionVerifier, 'ask'>) {
    this.#config = config;
    this.#verifier = verifier;
  }

  /** The verification that the append to `partition` needs; at once when the coordinator need not be asked. Throws, or rejects with, a `KafkaError`. */
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
    return this.#verifier.ask(question).then((errors) => {
      const error = errors.get(`${topic}-${index}`);
      if (error !== undefined) throw new KafkaError(refusal(error));
      return isEnabled ? guard : 'off';
    });
  }
}

/** Every client asks again on this one. */
function refusal(error: ErrorRow): ErrorRow {
  return error === Errors.NETWORK_EXCEPTION ? Errors.COORDINATOR_NOT_AVAILABLE : error;
}
