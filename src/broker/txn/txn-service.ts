/**
 * The transaction coordinator of this broker: the coordinator runtime for transactions, with a method for each request that
 * handlers pass on. It also carries out the outputs that only this coordinator has: markers to send, producer ids to get.
 *
 * A method throws `KafkaError` if this broker cannot handle the transactional id; the handlers in `api/` put the error into the
 * response.
 */
import type { Clock, Scheduler } from '../../base/clock.ts';
import type { NodeConfig } from '../../config/node-config.ts';
import type { BrokerClient } from '../../metadata/broker-port.ts';
import type { MetadataDelta } from '../../metadata/delta.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { transactionStateTopic } from '../../metadata/internal-topics.ts';
import type { MetadataPublisher } from '../../metadata/publisher.ts';
import { type ErrorRow, errorRowOf } from '../../protocol/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import {
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '../../protocol/messages/transactions/27-write-txn-markers.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { verifyPartitions } from '../../txn/add-partitions.ts';
import {
  type DescribedTransaction,
  describeTransaction,
  type ListedTransaction,
  type ListFilter,
  listTransactions,
  undescribed,
} from '../../txn/describe.ts';
import { checkInit } from '../../txn/init-producer-id.ts';
import { txnMachine } from '../../txn/machine.ts';
import { partitionsOf } from '../../txn/partitions.ts';
import { refused, type Shard } from '../../txn/txn-turn.ts';
import type {
  AddPartitionsRequest,
  EndTxnRequest,
  InitProducerIdRequest,
  Output,
  ProducerAnswer,
  ProducerRequest,
  TxnConfig,
  TxnInput,
} from '../../txn/types.ts';
import { type Answer, CoordinatorRuntime, type LeadershipSource } from '../coordinator/runtime.ts';
import type { ShardHost } from '../coordinator/shard-host.ts';
import type { ProducerIds } from '../producer-ids.ts';
import { MarkerSender } from './marker-sender.ts';
import { txnConfig } from './txn-config.ts';

const writeTxnMarkersVersion = 2;

export interface TxnServiceOptions {
  readonly config: NodeConfig;
  readonly replicas: LeadershipSource;
  readonly producerIds: Pick<ProducerIds, 'next'>;
  readonly brokers: BrokerClient;
  /** Finds the partition of `__consumer_offsets` that stores the offsets of a group. */
  readonly offsets: {
    readonly topic: string;
    readonly partitionOf: (groupId: string, image: MetadataImage) => number;
  };
  readonly metadata: () => MetadataImage;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

type ErrorAnswer = Answer<{ readonly errorCode: number }>;

export class TxnService implements MetadataPublisher {
  readonly topic = transactionStateTopic;
  readonly #options: TxnServiceOptions;
  readonly #config: TxnConfig;
  readonly #runtime: CoordinatorRuntime<Shard, TxnInput, Output>;
  readonly #sender: MarkerSender;

  constructor(options: TxnServiceOptions) {
    const { config, replicas, metadata, clock, scheduler } = options;
    const logger = options.logger.child('TransactionCoordinator');
    this.#options = options;
    this.#config = txnConfig(config);
    this.#runtime = new CoordinatorRuntime({
      topic: transactionStateTopic,
      machine: txnMachine(this.#config),
      writeTimeoutMs: config.get('request.timeout.ms'),
      loadBufferBytes: config.get('transaction.state.log.load.buffer.size'),
      compression: 'none',
      tooLarge: Errors.UNKNOWN_SERVER_ERROR,
      perform: (output, host) => this.#perform(output, host),
      replicas,
      metadata,
      clock,
      scheduler,
      logger,
    });
    this.#sender = this.#makeSender(logger);
  }

  #makeSender(logger: Logger): MarkerSender {
    const { brokers, config, metadata, scheduler } = this.#options;
    const deadlineMs = config.get('request.timeout.ms');
    return new MarkerSender({
      metadata,
      scheduler,
      logger,
      writeMarkers: (broker, init) =>
        brokers.request(
          broker,
          WriteTxnMarkersRequest,
          WriteTxnMarkersResponse,
          writeTxnMarkersVersion,
          init,
          {
            deadlineMs,
          },
        ),
    });
  }

  start(): void {
    this.#runtime.start();
  }

  stop(): void {
    this.#runtime.stop();
    this.#sender.stop();
  }

  onMetadataUpdate(delta: MetadataDelta): void {
    this.#runtime.onMetadataUpdate(delta);
  }

  partitionOf(transactionalId: string, image: MetadataImage): number | null {
    return this.#runtime.partitionOf(transactionalId, image);
  }

  #perform({ markers, producerIdsWanted }: Output, host: ShardHost<Shard, TxnInput, Output>): void {
    for (const round of markers) {
      this.#sender.add({
        round,
        isWanted: () => host.isActive,
        marked: (partitions) =>
          host.submit({
            type: 'marked',
            transactionalId: round.transactionalId,
            round: round.round,
            partitions,
          }),
      });
    }
    for (let i = 0; i < producerIdsWanted; i++) {
      this.#options.producerIds.next().then(
        (producerId) => host.submit({ type: 'producerId', producerId }),
        (error: unknown) => host.submit({ type: 'noProducerId', error: errorRowOf(error) }),
      );
    }
  }

  initProducerId(request: InitProducerIdRequest): Answer<ProducerAnswer> {
    // This check does not depend on the state of the id. It is made before the coordinator is looked up, so that every broker
    // refuses an invalid request.
    const invalid = checkInit(this.#config, request);
    if (invalid !== null) return refused(invalid);
    return this.#runtime.request(request.transactionalId, (token) => ({
      type: 'initProducerId',
      token,
      request,
    }));
  }

  addPartitions(request: AddPartitionsRequest): ErrorAnswer {
    if (request.transactionalId === '') return refused(Errors.INVALID_REQUEST);
    return this.#runtime.request(request.transactionalId, (token) => ({
      type: 'addPartitions',
      token,
      request,
    }));
  }

  addOffsets(producer: ProducerRequest, groupId: string, image: MetadataImage): ErrorAnswer {
    const { topic, partitionOf } = this.#options.offsets;
    const partitions = partitionsOf([{ topic, partitions: [partitionOf(groupId, image)] }]);
    return this.addPartitions({ ...producer, partitions, clientVersion: 0 });
  }

  verifyPartitions(request: ProducerRequest): (topic: string, partition: number) => ErrorRow {
    if (request.transactionalId === '') return () => Errors.INVALID_REQUEST;
    return verifyPartitions(this.#runtime.read(request.transactionalId), request);
  }

  endTxn(request: EndTxnRequest): Answer<ProducerAnswer> {
    if (request.transactionalId === '') return refused(Errors.INVALID_REQUEST);
    return this.#runtime.request(request.transactionalId, (token) => ({ type: 'endTxn', token, request }));
  }

  describe(transactionalId: string): DescribedTransaction {
    if (transactionalId === '') return undescribed(transactionalId, Errors.INVALID_REQUEST.code);
    return describeTransaction(this.#runtime.read(transactionalId), transactionalId);
  }

  /**
   * The transactions of all partitions that this broker leads. Throws COORDINATOR_LOAD_IN_PROGRESS while one of these
   * partitions loads.
   */
  list(filter: ListFilter): ListedTransaction[] {
    const wallMs = this.#options.clock.wallMs();
    return this.#runtime.readAll().flatMap((shard) => listTransactions(shard, filter, wallMs));
  }
}
