/**
 * The composition root: builds every object of a node once, and starts and stops them in order. Clock, disk, network and other
 * I/O are ports, so the same node runs as a process and in a simulation.
 *
 * Start: opens the metadata log and the listeners; a broker then opens its logs, registers and waits until it is unfenced;
 * client requests are handled last. Stop: hands over the leaderships of partitions; closes the client connections and the logs;
 * hands over the leadership of the quorum; closes the listeners and unlocks the directories.
 */
import { ImageWatch } from '../broker/image-watch.ts';
import type { Handler } from '../broker/handler.ts';
import { ClientQuotas, quotaWindowsOf } from '../broker/quotas/client-quotas.ts';
import { KafkaServer } from '../broker/kafka-server.ts';
import type { GroupService } from '../broker/groups/group-service.ts';
import type { NodeServices } from '../broker/services.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { BrokerClient } from '../metadata/broker-port.ts';
import { resourceType } from '../metadata/configs-image.ts';
import type { MetadataDelta } from '../metadata/delta.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { LeaderView } from '../raft/api.ts';
import type { HttpHandler, HttpPort } from '../base/http.ts';
import type { Collector } from '../telemetry/metrics.ts';
import type { ReplicaManager } from '../replication/manager/replica-manager.ts';
import { BrokerPart } from './broker-part.ts';
import { supportedFeatures } from '../metadata/feature-versions.ts';
import { HttpPart } from './http/http-part.ts';
import { pages } from './http/pages.ts';
import { readiness } from './http/readiness.ts';
import { buildControllerPart, type ControllerPart } from './controller-part.ts';
import { Listeners } from './listeners.ts';
import { type ClaimedDirectories, claimDirectories } from './claimed-directories.ts';
import { idleMetrics } from './metrics/idle-metrics.ts';
import { metadataMetrics } from './metrics/metadata-metrics.ts';
import { quorumMetrics } from './metrics/quorum-metrics.ts';
import { answerVoterRequests } from './voter-requests.ts';
import { openFileShares } from './open-files.ts';
import type { NodePorts } from './ports.ts';
import { answerQuorumRequests } from './quorum-answers.ts';

export class Node {
  readonly config: NodeConfig;
  private readonly ports: NodePorts;
  private directories: ClaimedDirectories | null = null;
  private controller: ControllerPart | null = null;
  private broker: BrokerPart | null = null;
  private listeners: Listeners | null = null;
  private quotas: ClientQuotas | null = null;
  private http: HttpPart | null = null;
  /** Why client requests are not handled ('starting', 'stopping'); null while they are. */
  private unreadyReason: string | null = 'starting';
  private readonly servers: KafkaServer[] = [];
  private brokerServer: KafkaServer | null = null;
  private stopping: Promise<void> | null = null;

  constructor(config: NodeConfig, ports: NodePorts) {
    this.config = config;
    this.ports = ports;
  }

  /**
   * Resolves when client requests are handled, or when the node is stopped in the meantime. Rejects when the node cannot start;
   * the caller must then call `stop`.
   */
  async start(): Promise<void> {
    const { config, ports } = this;
    const { fs, random, clock, network, logger } = ports;
    this.directories = await claimDirectories({ config, fs, random, clock, logger });
    const quotas = new ClientQuotas(quotaWindowsOf(config), clock, ports.afterTurn);
    this.quotas = quotas;
    this.controller = await buildControllerPart(config, this.directories, ports, quotas);
    const { log, loader } = this.controller;
    loader.addPublisher({ onMetadataUpdate: (_delta, image) => quotas.onMetadataUpdate(image) });
    loader.addPublisher({ onMetadataUpdate: (delta, image) => this.applyConfigs(delta, image) });
    const services = this.nodeServices(this.directories.clusterId, this.controller, quotas);
    this.answerAboutQuorum(this.controller);
    if (config.isBroker) {
      const { directories, controller } = this;
      this.broker = new BrokerPart({ config, directories, controller, node: services, ports });
    }
    const shares = openFileShares(ports.openFilesMax ?? null, config);
    const waitingMax = Math.min(shares.brokerConnectionsMax, shares.controllerConnectionsMax);
    this.listeners = new Listeners(config, network, logger.child('SocketServer'), waitingMax);
    await this.listeners.bind();
    config.bind('listeners').onChange(() => void this.listeners?.rebind());
    if (ports.http !== undefined) {
      this.http = new HttpPart(config, ports.http, logger);
      await this.http.start(this.pages(this.directories.clusterId, this.controller, ports.http));
    }
    await log.start();
    if (config.isController) {
      const connectionsMax = shares.controllerConnectionsMax;
      const server = new KafkaServer({ services, broker: null, handlers: [], connectionsMax });
      this.servers.push(server);
      this.listeners.serve('controller', server);
    }
    const { broker } = this;
    if (broker !== null) {
      await broker.start();
      if (this.stopping !== null) return;
      const { handlers, creator } = broker;
      const { verifier, completeOffsets } = broker.coordinators;
      const server = new KafkaServer({
        services,
        broker: broker.services,
        handlers,
        creator,
        verifier,
        completeOffsets,
        connectionsMax: shares.brokerConnectionsMax,
        interceptor: ports.interceptor,
      });
      this.servers.push(server);
      this.brokerServer = server;
      broker.serve(server);
      this.listeners.serve('broker', server);
    }
    this.unreadyReason = null;
  }

  /** Stops the node. Further calls return the same promise. */
  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  /** This node's metadata image. */
  get image(): MetadataImage | null {
    return this.controller?.loader.image ?? null;
  }

  /** The leader of the quorum, as far as this node knows. */
  get leader(): LeaderView | null {
    return this.controller?.log.leader() ?? null;
  }

  /** The replicas of this broker; null before the start and on a node that is only a controller. */
  get replicas(): ReplicaManager | null {
    return this.broker?.replicas ?? null;
  }

  /** The group coordinator of this broker; null before the start and on a node that is only a controller. */
  get groups(): GroupService | null {
    return this.broker?.coordinators.groups ?? null;
  }

  /** The handlers of the listeners for clients; empty before the start and on a node that is only a controller. */
  get clientHandlers(): readonly Handler[] {
    return this.brokerServer?.handlers('broker') ?? [];
  }

  /** Kafka requests to brokers; null before the start and on a node that is only a controller. */
  get brokers(): BrokerClient | null {
    return this.broker?.services.brokers ?? null;
  }

  private async stopAll(): Promise<void> {
    this.unreadyReason = 'stopping';
    await this.broker?.leave();
    // The servers of the listeners stop first, because the broker's metadata no longer lists the broker itself.
    for (const server of this.servers) server.stop();
    await this.broker?.stop();
    await this.controller?.stop();
    await this.listeners?.close();
    await this.http?.close();
    await this.directories?.release();
  }

  private nodeServices(
    clusterId: string,
    { loader, client, log }: ControllerPart,
    quotas: ClientQuotas,
  ): NodeServices {
    const { clock, scheduler, clientScheduler, random, logger } = this.ports;
    const metadata = (): MetadataImage => loader.image;
    return {
      nodeId: this.config.nodeId,
      clusterId,
      config: this.config,
      clock,
      scheduler,
      clientScheduler,
      random,
      logger,
      metadata,
      imageWatch: new ImageWatch(metadata, scheduler),
      quotas,
      controller: client,
      quorum: () => log.status(),
      supportedFeatures,
    };
  }

  private pages(clusterId: string, { loader, log }: ControllerPart, http: HttpPort): HttpHandler {
    const { clock, scheduler } = this.ports;
    return pages({
      nodeId: this.config.nodeId,
      clusterId,
      clock,
      scheduler,
      image: () => loader.image,
      controllerId: () => log.leader().id,
      readiness: () =>
        readiness({
          unreadyReason: this.unreadyReason,
          quorum: log.status(),
          broker: this.broker?.readiness ?? null,
        }),
      collectors: () => this.collectors(http),
      clientMetrics: (page) => this.broker?.services.pushedMetrics.show(page) ?? [],
      prepareMetrics: async () => this.broker?.groupMetrics.prepare(),
      processMetrics: () => http.processMetrics(),
    });
  }

  private collectors(http: HttpPort): Collector[] {
    const { controller, broker, ports } = this;
    if (controller === null) return [];
    const { loader, log, meter, driver } = controller;
    return [
      metadataMetrics(() => loader.image),
      quorumMetrics(
        () => log.status(),
        meter,
        () => driver?.isActive ?? false,
      ),
      ...(broker === null
        ? []
        : [
            broker.replicaMetrics,
            broker.groupMetrics.collect,
            broker.services.traffic.collect,
            broker.services.clientMetrics.collect,
            broker.services.pushedMetrics.collect,
          ]),
      ...this.servers.map((server) => server.collect),
      ...(this.quotas === null ? [] : [this.quotas.collect]),
      ...(ports.disk === undefined ? [] : [ports.disk.collect]),
      idleMetrics(() => http.idleShare()),
    ];
  }

  /** Adds the handlers for requests about the quorum itself (DescribeQuorum, changes of voters) to the active controller. */
  private answerAboutQuorum({ driver, log }: ControllerPart): void {
    if (driver === null) return;
    answerQuorumRequests(driver, log);
    const [listener = 'CONTROLLER'] = this.config.controllerListenerNames;
    const { scheduler, logger } = this.ports;
    answerVoterRequests({ driver, log, listener, scheduler, logger: logger.child('Controller') });
  }

  /** Applies changed dynamic configurations: those of this broker and those of all brokers. */
  private applyConfigs(delta: MetadataDelta, image: MetadataImage): void {
    if (!delta.changedConfigs.some(({ type }) => type === resourceType.broker)) return;
    const refused = this.config.applyDynamic(
      image.configs.brokerDefault(),
      image.configs.broker(this.config.nodeId),
    );
    if (refused.length > 0)
      this.ports.logger.warn('Ignored dynamic configurations that are invalid on this broker', { refused });
  }
}
