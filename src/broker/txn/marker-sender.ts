/**
 * Sends the markers of ended transactions to the leaders of their partitions, for all transactions that this broker coordinates.
 * Markers for one broker share a request: those that arrive while requests are in flight are combined into the next one. A marker
 * that was not written is sent again, to the leader at that time, until all markers of its transaction are written or the
 * coordinator loses its partition. A deleted partition needs no marker.
 *
 * Invariants:
 * - A partition is reported once in a round: after its leader has committed the marker, or after the topic was deleted.
 * - A marker of a partition is in flight at most once at a time.
 */
import { mark } from '../../base/mark.ts';
import type { Scheduler, Timer } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { type ErrorRow, Errors, errorOf } from '../../protocol/errors.ts';
import type {
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '../../protocol/messages/transactions/27-write-txn-markers.ts';
import type { Init } from '../../protocol/schema/fields.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { listOf, type Partitions, partitionsOf } from '../../txn/partitions.ts';
import type { MarkerRound } from '../../txn/types.ts';

/** Markers of a transaction, and the callback for their outcome. */
export interface MarkerOrder {
  readonly round: MarkerRound;
  /** False once another broker coordinates the transaction: then nothing more is sent. */
  isWanted(): boolean;
  marked(partitions: Partitions): void;
}

export type WriteMarkers = (
  brokerId: NodeId,
  request: Init<typeof WriteTxnMarkersRequest>,
) => Promise<WriteTxnMarkersResponse>;

export interface MarkerSenderOptions {
  readonly metadata: () => MetadataImage;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Sends one request to a broker; rejects when there is no response in time. */
  readonly writeMarkers: WriteMarkers;
}

/** Delay before markers that were not written are sent again. */
const retryMs = 50;
/** Requests in flight to one broker. More than one, so that a partition that is slow to commit does not delay the markers of others. */
const requestsPerBrokerMax = 8;
/** Markers in one request. */
const markersPerRequestMax = 1_000;

interface Marker {
  readonly order: MarkerOrder;
  readonly topic: string;
  readonly partition: number;
}

interface BrokerQueue {
  waiting: Marker[];
  underWay: number;
}

export class MarkerSender {
  readonly #options: MarkerSenderOptions;
  readonly #brokers = new Map<NodeId, BrokerQueue>();
  /** Markers that wait for the next attempt. */
  #retries: Marker[] = [];
  #retryTimer: Timer | null = null;
  #isScheduled = false;
  #isStopped = false;

  constructor(options: MarkerSenderOptions) {
    this.#options = options;
  }

  add(order: MarkerOrder): void {
    const markers = listOf(order.round.partitions).flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ order, topic, partition })),
    );
    this.#route(markers);
  }

  stop(): void {
    this.#isStopped = true;
    this.#retryTimer?.cancel();
    this.#brokers.clear();
    this.#retries = [];
  }

  /** Puts each marker into the queue of the current leader of its partition. */
  #route(markers: readonly Marker[]): void {
    if (this.#isStopped) return;
    const image = this.#options.metadata();
    const gone: Marker[] = [];
    for (const marker of markers) {
      if (!marker.order.isWanted()) continue;
      const partition = image.topics.byName(marker.topic)?.partitions[marker.partition];
      if (partition === undefined) gone.push(marker);
      else if (partition.leader !== -1 && image.cluster.brokers.has(partition.leader))
        this.#queue(partition.leader).waiting.push(marker);
      else this.#retryLater([marker]);
    }
    if (gone.length > 0) mark('txn.marker-for-deleted-topic');
    report(gone);
    this.#schedule();
  }

  #queue(brokerId: NodeId): BrokerQueue {
    let queue = this.#brokers.get(brokerId);
    if (queue === undefined) this.#brokers.set(brokerId, (queue = { waiting: [], underWay: 0 }));
    return queue;
  }

  /** In a microtask, so that markers of transactions that end together share a request. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      for (const [brokerId, queue] of this.#brokers) this.#sendAll(brokerId, queue);
    });
  }

  #sendAll(brokerId: NodeId, queue: BrokerQueue): void {
    while (queue.waiting.length > 0 && queue.underWay < requestsPerBrokerMax && !this.#isStopped) {
      const markers = queue.waiting.splice(0, markersPerRequestMax).filter(({ order }) => order.isWanted());
      if (markers.length > 0) void this.#send(brokerId, queue, markers);
    }
    if (queue.waiting.length === 0 && queue.underWay === 0) this.#brokers.delete(brokerId);
  }

  async #send(brokerId: NodeId, queue: BrokerQueue, markers: readonly Marker[]): Promise<void> {
    queue.underWay++;
    try {
      this.#answered(markers, await this.#options.writeMarkers(brokerId, requestOf(markers)));
    } catch (error) {
      mark('txn.marker-request-failed');
      this.#options.logger.debug('transaction markers could not be sent', { brokerId, error: String(error) });
      this.#retryLater(markers);
    } finally {
      queue.underWay--;
      this.#sendAll(brokerId, queue);
    }
  }

  #answered(markers: readonly Marker[], response: WriteTxnMarkersResponse): void {
    if (this.#isStopped) return;
    const errors = errorsOf(response);
    const done: Marker[] = [];
    const again: Marker[] = [];
    for (const marker of markers) {
      const error = errors.get(keyOf(marker.order.round.producerId, marker.topic, marker.partition));
      const outcome = outcomeOf(error);
      if (outcome === 'done') done.push(marker);
      else if (outcome === 'again') again.push(marker);
      if (error !== Errors.NONE) this.#log(marker, error, outcome);
    }
    report(done);
    this.#retryLater(again);
  }

  #log({ order, topic, partition }: Marker, error: ErrorRow | undefined, outcome: Outcome): void {
    const { transactionalId, producerId, producerEpoch } = order.round;
    const level = outcome === 'again' ? 'debug' : 'warn';
    this.#options.logger[level]('a transaction marker was not written', {
      partition: `${topic}-${partition}`,
      error: error?.name ?? 'no answer',
      transactionalId,
      producerId,
      producerEpoch,
      coordinatorEpoch: order.round.coordinatorEpoch,
    });
  }

  #retryLater(markers: readonly Marker[]): void {
    if (markers.length === 0 || this.#isStopped) return;
    this.#retries.push(...markers);
    this.#retryTimer ??= this.#options.scheduler.after(retryMs, () => {
      this.#retryTimer = null;
      this.#route(this.#retries.splice(0));
    });
  }
}

type Outcome = 'done' | 'again' | 'refused';

/**
 * INVALID_PRODUCER_EPOCH: the partition has seen the producer with a higher epoch, so the coordinator that raised the epoch has
 * ended this transaction there. TRANSACTION_COORDINATOR_FENCED: a newer coordinator ends the transaction; this one will lose its
 * leadership.
 */
function outcomeOf(error: ErrorRow | undefined): Outcome {
  switch (error) {
    case Errors.NONE:
    case Errors.INVALID_PRODUCER_EPOCH:
    case Errors.UNSUPPORTED_FOR_MESSAGE_FORMAT:
      return 'done';
    case Errors.TRANSACTION_COORDINATOR_FENCED:
      return 'refused';
    default:
      return 'again';
  }
}

function keyOf(producerId: number, topic: string, partition: number): string {
  return `${producerId} ${topic} ${partition}`;
}

function errorsOf(response: WriteTxnMarkersResponse): Map<string, ErrorRow> {
  const errors = new Map<string, ErrorRow>();
  for (const { producerId, topics } of response.markers) {
    for (const { name, partitions } of topics) {
      for (const { partitionIndex, errorCode } of partitions)
        errors.set(keyOf(producerId, name, partitionIndex), errorOf(errorCode));
    }
  }
  return errors;
}

/** The partitions of each order. */
function byOrder(markers: readonly Marker[]): Map<MarkerOrder, Partitions> {
  const grouped = new Map<MarkerOrder, Marker[]>();
  for (const marker of markers) {
    const others = grouped.get(marker.order);
    if (others === undefined) grouped.set(marker.order, [marker]);
    else others.push(marker);
  }
  const sets = new Map<MarkerOrder, Partitions>();
  for (const [order, own] of grouped)
    sets.set(order, partitionsOf(own.map(({ topic, partition }) => ({ topic, partitions: [partition] }))));
  return sets;
}

function report(markers: readonly Marker[]): void {
  for (const [order, partitions] of byOrder(markers)) if (order.isWanted()) order.marked(partitions);
}

function requestOf(markers: readonly Marker[]): Init<typeof WriteTxnMarkersRequest> {
  return {
    markers: [...byOrder(markers)].map(([{ round }, partitions]) => ({
      producerId: round.producerId,
      producerEpoch: round.producerEpoch,
      transactionResult: round.commit,
      topics: listOf(partitions).map((one) => ({ name: one.topic, partitionIndexes: one.partitions })),
      coordinatorEpoch: round.coordinatorEpoch,
      transactionVersion: round.clientVersion,
    })),
  };
}
