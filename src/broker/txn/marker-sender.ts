/**
 * Sends the markers of ended transactions to the leaders of their partitions, for all transactions that this broker
 * coordinates. Markers for the same broker share requests: while `requestsPerBrokerMax` requests are in flight, further markers
 * are collected for the next one. A marker that was not written is sent again, to the leader of that moment. This continues
 * until all markers of the transaction are written, or this broker is no longer the coordinator. A deleted partition needs no
 * marker.
 *
 * Invariants:
 * - In a round (`MarkerRound`) a partition is reported once: when its leader has committed the marker, or when it needs none
 *   (the topic was deleted, or the partition knows a later epoch of the producer).
 * - A marker is in flight at most once at a time.
 */
import { groupBy } from '../../base/collections.ts';
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

/** The markers of one transaction, and what to call when they are written. */
export interface MarkerOrder {
  readonly round: MarkerRound;
  /** Whether this broker is still the coordinator of the transaction. When it returns false, nothing more is sent. */
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
  /** Sends one request to a broker. Rejects if there is no response in time. */
  readonly writeMarkers: WriteMarkers;
}

/** How long to wait before markers that were not written are sent again. */
const retryMs = 50;
/**
 * At most this many requests to one broker are in flight. With a single one, a partition that commits slowly would delay the
 * markers of others.
 */
const requestsPerBrokerMax = 8;
/** One request has at most this many markers. */
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

  /** Puts each marker into the queue of the broker that leads its partition now. */
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

  /** Sends in a microtask, so that markers of transactions that end at the same time share a request. */
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
      error: error?.name ?? 'no result in the response',
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
 * What an error of a partition means. INVALID_PRODUCER_EPOCH: the partition knows a higher epoch of the producer. So the
 * coordinator that incremented the epoch has ended this transaction there, and the marker is not needed.
 * TRANSACTION_COORDINATOR_FENCED: a newer coordinator ends the transaction, and this broker will learn that it is no longer the
 * coordinator.
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

/** Groups markers by their transaction. */
function byOrder(markers: readonly Marker[]): Map<MarkerOrder, Partitions> {
  const sets = new Map<MarkerOrder, Partitions>();
  for (const [order, own] of groupBy(markers, (marker) => marker.order))
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
