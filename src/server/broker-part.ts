/** The broker role of a node: logs, replicas, coordinators, and its registration with the controller. */
import type { Uuid } from '../base/uuid.ts';
import { ImageWatch } from '../broker/image-watch.ts';
import type { PeerRequests } from '../broker/pipeline/peer-requests.ts';
import type { BrokerServices, NodeServices } from '../broker/services.ts';
import { TopicCreator } from '../broker/topic-creator.ts';
import { ClientMetrics } from '../broker/client-metrics.ts';
import { PushedMetrics } from '../broker/pushed-metrics.ts';
import { TopicTraffic } from '../broker/topic-traffic.ts';
import type { Handler } from '../broker/handler.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { topicConfig } from '../config/topic.ts';
import { LogManager } from '../log/manager/log-manager.ts';
import { logManagerSettings } from '../log/manager/log-settings.ts';
import type { MetadataImage } from '../metadata/image.ts';
import { replicaSelectors } from '../replication/replica-selector.ts';
import { ReplicaManager } from '../replication/manager/replica-manager.ts';
import { StreamBrokerClient } from './calls/broker-client.ts';
import { BrokerServer, type PeerHost } from './calls/broker-server.ts';
import { brokerChannel } from './calls/messages.ts';
import { Coordinators } from './coordinators.ts';
import { BrokerLifecycle } from './controller/broker-lifecycle.ts';
import { supportedFeatures } from '../metadata/feature-versions.ts';
import type { ControllerPart } from './controller-part.ts';
import { advertisedEndpoints } from './listeners.ts';
import { GroupMetrics } from './metrics/group-metrics.ts';
import { replicaMetrics } from './metrics/replica-metrics.ts';
import type { ClaimedDirectories } from './claimed-directories.ts';
import { logDirectories } from './log-directory-descriptions.ts';
import type { BrokerReadiness } from './http/readiness.ts';
import { openFileShares } from './open-files.ts';
import type { NodePorts } from './ports.ts';
import type { Collector } from '../telemetry/metrics.ts';

/** The other parts of the node and the ports from which a broker is built. */
export interface BrokerSurroundings {
  readonly config: NodeConfig;
  readonly directories: ClaimedDirectories;
  readonly controller: ControllerPart;
  readonly node: NodeServices & { readonly imageWatch: ImageWatch };
  readonly ports: NodePorts;
}

/** The constructor only builds the objects; `start` starts them. */
export class BrokerPart {
  readonly services: BrokerServices;
  readonly handlers: readonly Handler[];
  readonly creator: TopicCreator;
  readonly replicas: ReplicaManager;
  readonly replicaMetrics: Collector;
  readonly groupMetrics: GroupMetrics;
  private readonly around: BrokerSurroundings;
  private readonly logs: LogManager;
  readonly coordinators: Coordinators;
  private readonly brokers: StreamBrokerClient;
  /** Handles the requests that this broker sends to itself; null until this broker serves clients. */
  private own: PeerRequests | null = null;
  private calls: BrokerServer | null = null;
  /** Ids of log directories that have failed since the start. */
  private readonly offline = new Set<Uuid>();
  private lifecycle: BrokerLifecycle | null = null;
  private isLeaving = false;

  constructor(around: BrokerSurroundings) {
    const { config, controller, node, ports } = around;
    const { fs, logger } = ports;
    this.around = around;
    this.logs = this.makeLogs();
    this.replicas = this.makeReplicas();
    this.brokers = this.makeBrokerClient();
    const traffic = new TopicTraffic((topic) => controller.loader.image.topics.byName(topic) !== undefined);
    this.services = {
      ...node,
      replicas: this.replicas,
      logDirectories: logDirectories(this.logs, fs),
      traffic,
      brokers: this.brokers,
      clientMetrics: new ClientMetrics(),
      pushedMetrics: new PushedMetrics(node.clock),
    };
    this.replicaMetrics = replicaMetrics({
      config,
      image: () => controller.loader.image,
      partitions: () => this.replicas.partitions(),
      isrChanges: () => this.replicas.isrChanges,
      hasLateTransaction: (topic, index) => this.logs.hasLateTransaction(topic, index),
      offlineDirectoryCount: () => this.offline.size,
    });
    this.creator = new TopicCreator(this.services);
    this.coordinators = new Coordinators({
      services: this.services,
      replicas: this.replicas,
      creator: this.creator,
      logger,
    });
    this.handlers = this.coordinators.handlers;
    const image = (): MetadataImage => controller.loader.image;
    this.groupMetrics = new GroupMetrics({
      groups: () => this.coordinators.groups.overview(),
      image,
      brokers: this.brokers,
      highWatermark: (topic, index) => {
        const topicId = image().topics.byName(topic)?.id;
        return topicId === undefined
          ? null
          : (this.replicas.partition(topicId, index)?.highWatermark ?? null);
      },
    });
  }

  /**
   * Opens the logs, registers, and applies metadata; resolves when the controller has unfenced this broker, or early when the
   * node is stopped while the logs are opened.
   */
  async start(): Promise<void> {
    const { controller, node } = this.around;
    this.bindCordoned();
    await this.logs.start();
    if (this.isLeaving) return;
    const lifecycle = this.makeLifecycle();
    this.lifecycle = lifecycle;
    await lifecycle.start();
    await this.ownRegistration(lifecycle.brokerEpoch);
    await this.logs.lostReplicasReported();
    this.replicas.start();
    this.coordinators.start();
    for (const publisher of [this.replicas, this.coordinators, this.brokers, node.imageWatch, lifecycle])
      controller.loader.addPublisher(publisher);
    await this.replicas.removeStrays();
    this.logs.resumeMoves();
    lifecycle.ready();
    await lifecycle.whenUnfenced();
  }

  /** From now on `host` handles requests of other brokers and of this one. */
  serve(host: PeerHost): void {
    const { controller, ports } = this.around;
    const { identity, log } = controller;
    const logger = ports.logger.child('broker');
    const calls = new BrokerServer({ identity, host, leader: () => log.leader(), logger });
    this.own = host.beginPeer();
    this.calls = calls;
    ports.peers.accept(brokerChannel, (stream) => calls.accept(stream));
  }

  /**
   * Controlled shutdown: the controller moves this broker's leaderships to other brokers and fences it. The caller must stop
   * serving clients at once: this broker's metadata no longer lists the broker itself, and on a cluster of one it lists none.
   */
  async leave(): Promise<void> {
    this.isLeaving = true;
    if (this.around.config.get('controlled.shutdown.enable')) await this.lifecycle?.shutdown();
    this.lifecycle?.close();
  }

  /** Closes everything, and writes the clean shutdown files, so that the next start needs no recovery. */
  async stop(): Promise<void> {
    this.coordinators.stop();
    this.brokers.close();
    this.calls?.close();
    await this.replicas.stop();
    await this.logs.shutdown(this.lifecycle?.shutdownEpoch ?? null);
  }

  private bindCordoned(): void {
    const cordoned = this.around.config.bind('cordoned.log.dirs');
    this.logs.setCordoned(cordoned.value);
    cordoned.onChange((paths) => {
      this.logs.setCordoned(paths);
      this.lifecycle?.directoriesCordoned();
    });
  }

  /** Null before the registration. */
  get readiness(): BrokerReadiness | null {
    const { config, controller } = this.around;
    const controllerSilenceMs = this.lifecycle?.controllerSilenceMs ?? null;
    if (controllerSilenceMs === null) return null;
    const own = controller.loader.image.cluster.brokers.get(config.nodeId);
    const sessionTimeoutMs = config.get('broker.session.timeout.ms');
    return { isFenced: own?.fenced ?? true, controllerSilenceMs, sessionTimeoutMs };
  }

  private get brokerEpoch(): number {
    return this.lifecycle?.brokerEpoch ?? -1;
  }

  private makeLogs(): LogManager {
    const { config, directories, controller, ports } = this.around;
    const { clock, scheduler, random, fs, disk, logger, tailCacheBytesMax } = ports;
    const { logFilesMax } = openFileShares(ports.openFilesMax ?? null, config);
    return new LogManager({
      ...(disk === undefined ? {} : { onFlushed: (durationMs) => disk.flushed(durationMs) }),
      ...(tailCacheBytesMax === undefined ? {} : { tailCacheBytesMax }),
      ...(logFilesMax === null ? {} : { logFilesMax }),
      fs,
      clock,
      scheduler,
      random,
      logger,
      directories: directories.logDirs,
      settings: logManagerSettings(config, false),
      moveRate: () => config.rate('replica.alter.log.dirs.io.max.bytes.per.second'),
      assign: ({ topicId, partition }, directory) =>
        this.replicas.assignDirectory(topicId, partition, directory),
      configOf: (topic) => topicConfig(controller.loader.image.configs.topic(topic), config),
      onDirectoryFailure: ({ path, id }, error) => {
        this.offline.add(id);
        this.replicas.directoryFailed(error);
        if (this.logs.directories().some(({ isOffline }) => !isOffline)) {
          this.lifecycle?.directoryFailed();
          return;
        }
        logger.error('Shutdown broker because all log dirs have failed', { path });
        ports.onFatal(error);
      },
    });
  }

  private makeBrokerClient(): StreamBrokerClient {
    const { config, controller, ports } = this.around;
    return new StreamBrokerClient({
      identity: controller.identity,
      interBrokerListenerName: config.interBrokerListenerName,
      image: () => controller.loader.image,
      local: () => this.own,
      peers: ports.peers,
      scheduler: ports.scheduler,
    });
  }

  private makeReplicas(): ReplicaManager {
    const { config, controller, ports } = this.around;
    const { clock, scheduler, random, peers, logger } = ports;
    return new ReplicaManager({
      identity: controller.identity,
      localBrokerEpoch: () => this.brokerEpoch,
      clock,
      scheduler,
      random,
      logger,
      peers,
      logs: this.logs,
      controller: controller.client,
      interBrokerListenerName: config.interBrokerListenerName,
      lagTimeMaxMs: config.get('replica.lag.time.max.ms'),
      leaderRate: () => config.rate('leader.replication.throttled.rate'),
      followerRate: () => config.rate('follower.replication.throttled.rate'),
      replicaSelector: replicaSelectors.get(config.get('replica.selector.class') ?? '') ?? null,
      topicConfig: (overrides) => topicConfig(overrides, config),
    });
  }

  /**
   * Must be called when the logs are open: they have read the broker epoch of the last clean shutdown, which the registration
   * needs.
   */
  private makeLifecycle(): BrokerLifecycle {
    const { config, directories, controller, ports } = this.around;
    const { clock, scheduler, random, logger } = ports;
    const online = this.logs.directories().filter(({ isOffline }) => !isOffline);
    return new BrokerLifecycle({
      nodeId: config.nodeId,
      clusterId: directories.clusterId,
      client: controller.client,
      image: () => controller.loader.image,
      endpoints: advertisedEndpoints(config, ports.hostName),
      rack: config.get('broker.rack'),
      features: supportedFeatures,
      logDirs: online.map(({ id }) => id),
      offlineLogDirs: () => [...this.offline],
      cordonedLogDirs: () =>
        this.logs
          .directories()
          .filter(({ isCordoned }) => isCordoned)
          .map(({ id }) => id),
      previousBrokerEpoch: this.logs.previousBrokerEpoch,
      lostReplicas: online.flatMap(({ lost }) => [...lost.values()]),
      directoryFailureTimeoutMs: config.get('log.dir.failure.timeout.ms'),
      onDirectoryFailureUnreported: () =>
        ports.onFatal(new Error('A failed log directory could not be reported to the controller')),
      heartbeatIntervalMs: config.get('broker.heartbeat.interval.ms'),
      registrationTimeoutMs: config.get('initial.broker.registration.timeout.ms'),
      clock,
      scheduler,
      random,
      logger: logger.child('BrokerLifecycleManager'),
    });
  }

  /**
   * Resolves when this node's metadata image has the registration of this incarnation. With an older image, this broker would
   * act as leader where its previous incarnation was leader. If it has lost records since, its followers would truncate theirs.
   */
  private async ownRegistration(epoch: number): Promise<void> {
    const { config, controller, ports } = this.around;
    const watch = new ImageWatch(() => controller.loader.image, ports.scheduler);
    controller.loader.addPublisher(watch);
    const shows = (image: MetadataImage): boolean =>
      image.cluster.brokers.get(config.nodeId)?.epoch === epoch;
    const timeoutMs = config.get('initial.broker.registration.timeout.ms');
    if (await watch.until(shows, timeoutMs)) return;
    throw new Error(`The registration of this broker did not reach its metadata within ${timeoutMs} ms`);
  }
}
