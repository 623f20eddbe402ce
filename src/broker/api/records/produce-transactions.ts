/**
 * Verification of the transactional batches in a Produce request (KIP-890): finds the partitions that the transaction
 * coordinator must verify before anything is appended, and collects the outcome. `broker/txn/transaction-verifier.ts` sends the
 * requests.
 */
import type { TopicImage } from '../../../metadata/topics-image.ts';
import { type ErrorRow, Errors, KafkaError } from '../../../protocol/errors.ts';
import type { ProduceRequest } from '../../../protocol/messages/records/00-produce.ts';
import {
  type BatchHeader,
  batchHeader,
  batchHeaderBytes,
  batchMagic,
} from '../../../protocol/records/batch.ts';
import type { VerificationGuard } from '../../../replication/types.ts';
import type { BrokerServices, PartitionReplica } from '../../services.ts';
import {
  supportFrom,
  type TransactionSupport,
  type TransactionVerifier,
} from '../../txn/transaction-verifier.ts';

/**
 * The outcome of the verification of one partition. With verification on, a partition without transactional batches, or whose
 * transaction has begun in its log, has no entry.
 */
export interface VerifiedPartition {
  /**
   * What the append passes to the log as proof. `'off'`: verification is switched off by the configuration. Null: there is an
   * error.
   */
  readonly guard: VerificationGuard | 'off' | null;
  readonly error: KafkaError | null;
}

/** Keyed by `<topic>-<partition>`. */
export type VerifiedPartitions = ReadonlyMap<string, VerifiedPartition>;

export const noneVerified: VerifiedPartitions = new Map();

const abortableVersion = 11;
const magicAt = 16;

/** The header of a transactional batch; null for other batches, and for bytes that are not a batch of magic 2. */
function transactionalHeader(records: Uint8Array | null): BatchHeader | null {
  if (records === null || records.length < batchHeaderBytes || records[magicAt] !== batchMagic) return null;
  const header = batchHeader(records, 0);
  return header.isTransactional ? header : null;
}

export function hasTransactional(request: ProduceRequest): boolean {
  for (const { partitionData } of request.topicData)
    for (const { records } of partitionData) if (transactionalHeader(records) !== null) return true;
  return false;
}

interface Unverified {
  readonly topic: string;
  readonly index: number;
  readonly guard: VerificationGuard;
}

export class ProduceVerification {
  readonly #services: Pick<BrokerServices, 'config' | 'replicas'>;
  readonly #verifier: TransactionVerifier;

  constructor(services: Pick<BrokerServices, 'config' | 'replicas'>, verifier: TransactionVerifier) {
    this.#services = services;
    this.#verifier = verifier;
  }

  /**
   * Verifies the transactional batches of a request. Returns the outcome at once if no request to a coordinator is needed,
   * otherwise a promise of it. Throws if the whole request is refused. `topicOf` finds the topic of an entry of the request.
   */
  begin(
    request: ProduceRequest,
    apiVersion: number,
    topicOf: (topic: ProduceRequest['topicData'][number]) => TopicImage | undefined,
  ): VerifiedPartitions | Promise<VerifiedPartitions> {
    if (!hasTransactional(request)) return noneVerified;
    if (request.transactionalId === null) throw new KafkaError(Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    const support = supportFrom(apiVersion, abortableVersion);
    const isEnabled = this.#services.config.get('transaction.partition.verification.enable');
    const found = new Map<string, VerifiedPartition>();
    const unverified: Unverified[] = [];
    let producer: BatchHeader | null = null;
    for (const data of request.topicData) {
      const topic = topicOf(data);
      for (const { index, records } of data.partitionData) {
        const header = transactionalHeader(records);
        if (header === null) continue;
        producer ??= header;
        if (header.producerId !== producer.producerId || header.producerEpoch !== producer.producerEpoch)
          throw new KafkaError(
            Errors.INVALID_PRODUCER_ID_MAPPING,
            'Transactional records contained more than one producer ID',
          );
        if (topic === undefined || header.producerId < 0) continue;
        if (!isEnabled) found.set(`${topic.name}-${index}`, { guard: 'off', error: null });
        const replica = this.#services.replicas.partition(topic.id, index);
        if (replica === null) {
          // Without a replica there is nothing to verify. But if the replica were created before the append, the log would
          // refuse the batch as not verified, which is no retriable error. So it is refused here with an error on which the
          // client retries; also when verification is off, because the coordinator may have to be asked to add the partition.
          const error = new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
          found.set(`${topic.name}-${index}`, { guard: null, error });
          continue;
        }
        // If the client does not add partitions to its transaction itself, the coordinator must be asked to add this one, even
        // when verification is off.
        if (isEnabled || support === 'add')
          this.#beginPartition(replica, topic.name, index, header, support, found, unverified);
      }
    }
    if (unverified.length === 0 || producer === null) return found;
    const { producerId, producerEpoch } = producer;
    const { transactionalId } = request;
    return this.#verifier
      .verify({ transactionalId, producerId, producerEpoch, partitions: unverified, support })
      .then((errors) => {
        for (const { topic, index, guard } of unverified) {
          const error = errors.get(`${topic}-${index}`);
          found.set(`${topic}-${index}`, {
            guard: isEnabled ? guard : 'off',
            error: error === undefined ? null : refusal(error),
          });
        }
        return found;
      });
  }

  #beginPartition(
    replica: PartitionReplica,
    topic: string,
    index: number,
    header: BatchHeader,
    support: TransactionSupport,
    found: Map<string, VerifiedPartition>,
    unverified: Unverified[],
  ): void {
    const { producerId, producerEpoch, baseSequence } = header;
    try {
      const guard = replica.beginVerification({
        producerId,
        producerEpoch,
        sequence: baseSequence,
        supportsEpochBump: support === 'add',
      });
      if (guard !== null) unverified.push({ topic, index, guard });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      found.set(`${topic}-${index}`, { guard: null, error });
    }
  }
}

/** The error for the client. Transient errors become one on which every client retries without requesting metadata first. */
function refusal(error: ErrorRow): KafkaError {
  switch (error) {
    case Errors.INVALID_TXN_STATE:
      return new KafkaError(error, 'Partition was not added to the transaction');
    case Errors.CONCURRENT_TRANSACTIONS:
    case Errors.NETWORK_EXCEPTION:
    case Errors.COORDINATOR_LOAD_IN_PROGRESS:
    case Errors.COORDINATOR_NOT_AVAILABLE:
    case Errors.NOT_COORDINATOR:
      return new KafkaError(
        Errors.NOT_ENOUGH_REPLICAS,
        `Unable to verify the partition has been added to the transaction. Underlying error: ${error.name}`,
      );
    default:
      return new KafkaError(error);
  }
}
