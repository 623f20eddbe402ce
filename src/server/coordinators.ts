/** The group coordinator and the transaction coordinator of a broker, with their request handlers. */
import { keyType } from '../broker/api/groups/10-find-coordinator.ts';
import type { CompleteOffsets } from '../broker/api/transactions/27-write-txn-markers.ts';
import { Endpoints } from '../broker/api/endpoints.ts';
import { createGroupHandlers } from '../broker/api/groups/group-handlers.ts';
import { createTxnHandlers } from '../broker/api/transactions/txn-handlers.ts';
import { CoordinatorFinder } from '../broker/coordinator/coordinator-finder.ts';
import type { LeadershipSource } from '../broker/coordinator/runtime.ts';
import { GroupService } from '../broker/groups/group-service.ts';
import type { Handler } from '../broker/handler.ts';
import { ProducerIds } from '../broker/producer-ids.ts';
import type { BrokerServices } from '../broker/services.ts';
import type { TopicCreator } from '../broker/topic-creator.ts';
import { createTransactionVerifier, type TransactionVerifier } from '../broker/txn/transaction-verifier.ts';
import { TxnService } from '../broker/txn/txn-service.ts';
import { coordinatorPartition } from '../coordinator/coordinator-partition.ts';
import type { MetadataDelta } from '../metadata/delta.ts';
import { offsetsTopic } from '../metadata/internal-topics.ts';
import type { MetadataPublisher } from '../metadata/publisher.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface CoordinatorsOptions {
  readonly services: BrokerServices;
  readonly replicas: LeadershipSource;
  readonly creator: TopicCreator;
  readonly logger: Logger;
}

/** The constructor only builds the objects; `start` starts them. */
export class Coordinators implements MetadataPublisher {
  readonly handlers: readonly Handler[];
  /** Verifies transactions (KIP-890); the Produce handler uses it too. */
  readonly verifier: TransactionVerifier;
  readonly groups: GroupService;
  private readonly txn: TxnService;

  constructor(options: CoordinatorsOptions) {
    const { services, creator } = options;
    const { config } = services;
    this.verifier = createTransactionVerifier(services);
    this.groups = new GroupService({ ...services, ...options, verifier: this.verifier });
    const producerIds = this.makeProducerIds(services);
    this.txn = this.makeTxn(options, producerIds);
    const endpoints = new Endpoints(config.nodeId, config.advertisesExplicitly);
    const txnFinder = new CoordinatorFinder(this.txn, endpoints, creator);
    this.handlers = [
      ...createGroupHandlers(this.groups, endpoints, creator, new Map([[keyType.transaction, txnFinder]])),
      ...createTxnHandlers(this.txn, producerIds),
    ];
  }

  private makeProducerIds({ nodeId, metadata, controller }: BrokerServices): ProducerIds {
    return new ProducerIds(nodeId, () => metadata().cluster.brokers.get(nodeId)?.epoch, controller);
  }

  private makeTxn({ services, replicas, logger }: CoordinatorsOptions, producerIds: ProducerIds): TxnService {
    const partitionCount = services.config.get('offsets.topic.num.partitions');
    return new TxnService({
      ...services,
      replicas,
      logger,
      producerIds,
      offsets: {
        topic: offsetsTopic,
        // If the topic does not exist yet, the partition follows from the number of partitions that it will be created with.
        partitionOf: (groupId, image) =>
          this.groups.partitionOf(groupId, image) ?? coordinatorPartition(groupId, partitionCount),
      },
    });
  }

  /** Ends a transaction's offset commits in a partition of the offsets topic. The WriteTxnMarkers handler calls it. */
  readonly completeOffsets: CompleteOffsets = async (index, { isCommit, ...end }) => {
    const error = await this.groups.completeTransaction(index, {
      ...end,
      type: isCommit ? 'commit' : 'abort',
    });
    if (error !== Errors.NONE) throw new KafkaError(error);
  };

  start(): void {
    this.groups.start();
    this.txn.start();
  }

  stop(): void {
    this.txn.stop();
    this.groups.stop();
  }

  onMetadataUpdate(delta: MetadataDelta): void {
    this.groups.onMetadataUpdate(delta);
    this.txn.onMetadataUpdate(delta);
  }
}
