/**
 * WriteTxnMarkers (27), v1–v2. Writes the markers of ended transactions to partitions that this broker leads. Transaction
 * coordinators send it.
 * Versions:  v2 transaction version (a marker of transaction version 2 increments the producer's epoch).
 * Behaviour: A partition gets its result when all in-sync replicas have the marker. Each partition succeeds or fails by itself;
 *            the coordinator sends failed ones again. Markers for `__consumer_offsets` go to the group coordinator, because
 *            they commit or drop pending offsets.
 */
import { offsetsTopic } from '../../../metadata/internal-topics.ts';
import { type ErrorRow, Errors, errorRowOf, KafkaError } from '../../../protocol/errors.ts';
import {
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '../../../protocol/messages/transactions/27-write-txn-markers.ts';
import { endTransactionBatch } from '../../../protocol/records/control.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import type { BrokerServices, PartitionReplica } from '../../services.ts';

type Marker = WriteTxnMarkersRequest['markers'][number];

/** Writes a marker to a partition of `__consumer_offsets`. Rejects with the `KafkaError` for the response. */
export type CompleteOffsets = (index: number, marker: EndedTransaction) => Promise<void>;

export interface EndedTransaction {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Leader epoch of the `__transaction_state` partition whose leader has sent the marker. */
  readonly coordinatorEpoch: number;
  readonly isCommit: boolean;
  readonly transactionVersion: number;
}

/**
 * The log checks a batch by the version of the Produce request that brought it. A marker comes with none and counts as newest.
 */
const newestProduce = 13;

export function createWriteTxnMarkersHandler(
  services: BrokerServices,
  completeOffsets: CompleteOffsets,
): Handler {
  const writer = new MarkerWriter(services, completeOffsets);
  return defineHandler(WriteTxnMarkersRequest, WriteTxnMarkersResponse, {
    versions: '1-2',
    listeners: ['broker'],
    async handle({ markers }, context) {
      // As in Kafka, a marker without partitions has no result.
      const wanted = markers.filter(({ topics }) => topics.length > 0);
      return { markers: await Promise.all(wanted.map((marker) => writer.write(marker, context))) };
    },
    failed: ({ markers }, error) => ({
      markers: markers.map(({ producerId, topics }) => ({
        producerId,
        topics: topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: error.code })),
        })),
      })),
    }),
  });
}

class MarkerWriter {
  readonly #services: BrokerServices;
  readonly #completeOffsets: CompleteOffsets;

  constructor(services: BrokerServices, completeOffsets: CompleteOffsets) {
    this.#services = services;
    this.#completeOffsets = completeOffsets;
  }

  async write(marker: Marker, context: RequestContext) {
    const {
      producerId,
      producerEpoch,
      coordinatorEpoch,
      transactionResult: isCommit,
      transactionVersion,
    } = marker;
    const ended = { producerId, producerEpoch, coordinatorEpoch, isCommit, transactionVersion };
    const topics = marker.topics.map(async ({ name, partitionIndexes }) => {
      const partitions = partitionIndexes.map(async (partitionIndex) => {
        const error = await this.#errorOf(name, partitionIndex, ended, context);
        return { partitionIndex, errorCode: error.code };
      });
      return { name, partitions: await Promise.all(partitions) };
    });
    return { producerId, topics: await Promise.all(topics) };
  }

  async #errorOf(
    name: string,
    index: number,
    ended: EndedTransaction,
    context: RequestContext,
  ): Promise<ErrorRow> {
    try {
      const topic = context.image.topics.byName(name);
      const partition = topic === undefined ? null : this.#services.replicas.partition(topic.id, index);
      if (partition === null) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
      if (name === offsetsTopic) await this.#completeOffsets(index, ended);
      else await this.#append(partition, ended);
      return Errors.NONE;
    } catch (error) {
      const row = errorRowOf(error);
      if (row === Errors.UNKNOWN_SERVER_ERROR)
        this.#services.logger.error('unexpected error while writing a transaction marker', {
          topic: name,
          partition: index,
          error,
        });
      return row;
    }
  }

  #append(partition: PartitionReplica, ended: EndedTransaction): Promise<void> {
    const { producerId, producerEpoch, coordinatorEpoch, isCommit, transactionVersion } = ended;
    const batch = endTransactionBatch({
      type: isCommit ? 'commit' : 'abort',
      producerId,
      producerEpoch,
      coordinatorEpoch,
      timestamp: this.#services.clock.wallMs(),
    });
    const { acknowledged } = partition.appendAsLeader(batch, -1, {
      origin: 'coordinator',
      requestVersion: newestProduce,
      transactionVersion,
    });
    return this.#withinTimeout(acknowledged);
  }

  /**
   * Rejects after `request.timeout.ms`. The marker stays in the log; as the coordinator sends it again, it may be written
   * twice.
   */
  #withinTimeout(acknowledged: Promise<void>): Promise<void> {
    const { scheduler, config } = this.#services;
    return new Promise((resolve, reject) => {
      const timer = scheduler.after(config.get('request.timeout.ms'), () =>
        reject(new KafkaError(Errors.REQUEST_TIMED_OUT)),
      );
      acknowledged.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}
