/**
 * A client's view of a cluster: it connects to the bootstrap addresses, fetches metadata, finds coordinators, and keeps a
 * connection to each broker that is used. Tools, producers and consumers use it; retries with a deadline are in `retry.ts`.
 */
import type { Address } from '../base/network.ts';
import { Errors, errorOf, KafkaError } from '../protocol/errors.ts';
import { MetadataRequest, MetadataResponse } from '../protocol/messages/cluster/03-metadata.ts';
import {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../protocol/messages/groups/10-find-coordinator.ts';
import {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../protocol/messages/cluster/60-describe-cluster.ts';
import type { Infer, Init, Message, Shape } from '../protocol/schema/fields.ts';
import { BrokerConnection, type ClientPorts, DisconnectedError } from './connection.ts';

export interface ClientOptions {
  readonly bootstrap: readonly Address[];
  readonly clientId?: string;
  readonly requestTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /** The bootstrap addresses are controllers (`--bootstrap-controller`). */
  readonly isController?: boolean;
}

export interface PartitionInfo {
  readonly index: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly offline: readonly number[];
  readonly errorCode: number;
}

export interface TopicInfo {
  readonly name: string;
  readonly id: string;
  readonly isInternal: boolean;
  readonly errorCode: number;
  readonly partitions: readonly PartitionInfo[];
}

export interface ClusterInfo {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly brokers: ReadonlyMap<number, Address & { rack: string | null }>;
  readonly topics: ReadonlyMap<string, TopicInfo>;
}

/** What a connection carries. */
export type ConnectionUse = 'data' | 'coordinator';

function clusterOf(answer: Infer<typeof MetadataResponse>): ClusterInfo {
  const topics = answer.topics.map((topic): [string, TopicInfo] => [
    topic.name ?? '',
    {
      name: topic.name ?? '',
      id: topic.topicId,
      isInternal: topic.isInternal,
      errorCode: topic.errorCode,
      partitions: topic.partitions
        .map((partition) => ({
          index: partition.partitionIndex,
          leader: partition.leaderId,
          leaderEpoch: partition.leaderEpoch,
          replicas: partition.replicaNodes,
          isr: partition.isrNodes,
          offline: partition.offlineReplicas,
          errorCode: partition.errorCode,
        }))
        .sort((left, right) => left.index - right.index),
    },
  ]);
  return {
    clusterId: answer.clusterId,
    controllerId: answer.controllerId,
    brokers: new Map(answer.brokers.map(({ nodeId, host, port, rack }) => [nodeId, { host, port, rack }])),
    topics: new Map(topics),
  };
}

export class KafkaClient {
  readonly ports: ClientPorts;
  private readonly options: Required<ClientOptions>;
  private readonly connections = new Map<string, Promise<BrokerConnection>>();
  private readonly addresses = new Map<number, Address>();
  private isClosed = false;

  constructor(options: ClientOptions, ports: ClientPorts) {
    this.ports = ports;
    this.options = {
      clientId: 'bendemann-client',
      requestTimeoutMs: 30_000,
      connectTimeoutMs: 10_000,
      isController: false,
      ...options,
    };
  }

  /** Whether the bootstrap addresses are controllers. */
  get speaksToControllers(): boolean {
    return this.options.isController;
  }

  /** A connection to any node that responds: the bootstrap addresses first, then known brokers. */
  async any(): Promise<BrokerConnection> {
    let lastError: unknown = new DisconnectedError('no bootstrap address');
    for (const address of [...this.options.bootstrap, ...this.addresses.values()]) {
      try {
        return await this.connect(address);
      } catch (error) {
        lastError = error;
      }
    }
    throw lastError;
  }

  /**
   * A connection to one node. The address of a broker comes from Metadata, that of a controller from DescribeCluster. Requests
   * to a group coordinator use a connection of their own (`use`), as in Java's client: a broker responds to the requests of a
   * connection in order, so a heartbeat would otherwise wait until a Fetch before it ends.
   */
  async broker(nodeId: number, use: ConnectionUse = 'data'): Promise<BrokerConnection> {
    let address = this.addresses.get(nodeId);
    if (address === undefined) {
      if (this.options.isController) await this.controllers();
      else await this.metadata([]);
      address = this.addresses.get(nodeId);
    }
    if (address === undefined) {
      throw new KafkaError(Errors.BROKER_NOT_AVAILABLE, `broker ${nodeId} is not in the metadata`);
    }
    return this.connect(address, use);
  }

  /** Sends one request to any broker that responds; when the bootstrap addresses are controllers, to the active controller. */
  async request<Q extends Shape, R extends Shape>(
    request: Message<Q>,
    response: Message<R>,
    init: Init<Message<Q>>,
  ): Promise<Infer<Message<R>>> {
    const connection = await (this.options.isController ? this.activeController() : this.any());
    return connection.request(request, response, init);
  }

  async requestTo<Q extends Shape, R extends Shape>(
    nodeId: number,
    request: Message<Q>,
    response: Message<R>,
    init: Init<Message<Q>>,
  ): Promise<Infer<Message<R>>> {
    const connection = await this.broker(nodeId);
    return connection.request(request, response, init);
  }

  /** Metadata of topics by name; null: of all topics. Unknown topics are listed with their error code. */
  async metadata(topics: readonly string[] | null, allowAutoTopicCreation = false): Promise<ClusterInfo> {
    const connection = await this.any();
    const answer = await connection.request(MetadataRequest, MetadataResponse, {
      topics: topics === null ? null : topics.map((name) => ({ name })),
      allowAutoTopicCreation,
    });
    const cluster = clusterOf(answer);
    for (const [nodeId, address] of cluster.brokers) this.addresses.set(nodeId, address);
    return cluster;
  }

  /** A connection to the active controller, when the bootstrap addresses are controllers. */
  private async activeController(): Promise<BrokerConnection> {
    const activeId = await this.controllers();
    const active = this.addresses.get(activeId);
    if (active === undefined) throw new KafkaError(Errors.NOT_CONTROLLER, 'no active controller is known');
    return this.connect(active);
  }

  /** Looks up the addresses of the controllers; returns the id of the active one. */
  private async controllers(): Promise<number> {
    const connection = await this.any();
    const answer = await connection.request(DescribeClusterRequest, DescribeClusterResponse, {
      includeClusterAuthorizedOperations: false,
      endpointType: 2,
    });
    if (answer.errorCode !== 0)
      throw new KafkaError(errorOf(answer.errorCode), answer.errorMessage ?? undefined);
    for (const { brokerId, host, port } of answer.brokers) this.addresses.set(brokerId, { host, port });
    return answer.controllerId;
  }

  /** The node id of the coordinator of a group or transactional id. */
  async coordinator(key: string, of: 'group' | 'transaction' = 'group'): Promise<number> {
    const connection = await this.any();
    const version = connection.versionOf(FindCoordinatorRequest);
    const keyType = of === 'group' ? 0 : 1;
    const init = version >= 4 ? { keyType, coordinatorKeys: [key] } : { keyType, key };
    const answer = await connection.request(FindCoordinatorRequest, FindCoordinatorResponse, init, {
      version,
    });
    const found = answer.coordinators[0] ?? answer;
    if (found.errorCode !== 0)
      throw new KafkaError(errorOf(found.errorCode), found.errorMessage ?? undefined);
    this.addresses.set(found.nodeId, { host: found.host, port: found.port });
    return found.nodeId;
  }

  close(): void {
    this.isClosed = true;
    for (const connection of this.connections.values())
      connection.then(
        (open) => open.close(),
        () => {},
      );
    this.connections.clear();
  }

  private connect(address: Address, use: ConnectionUse = 'data'): Promise<BrokerConnection> {
    if (this.isClosed) return Promise.reject(new DisconnectedError('client closed'));
    const key = `${use} ${address.host}:${address.port}`;
    const known = this.connections.get(key);
    if (known !== undefined) return known;
    const opening = BrokerConnection.open(address, this.ports, this.options).then((connection) => {
      connection.onClose = (): void => {
        if (this.connections.get(key) === opening) this.connections.delete(key);
      };
      return connection;
    });
    this.connections.set(key, opening);
    opening.catch(() => {
      if (this.connections.get(key) === opening) this.connections.delete(key);
    });
    return opening;
  }
}
