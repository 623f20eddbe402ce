/** The part of a node that is a broker: logs, replicas, the group coordinator, its registration with the controller. */
import type { Uuid } from '../base/uuid.ts';
import { Endpoints } from '../broker/api/endpoints.ts';
import { createGroupHandlers } from '../broker/api/group-handlers.ts';
import { GroupService } from '../broker/groups/group-service.ts';
import { ImageWatch } from '../broker/image-watch.ts';
import type { BrokerServices, NodeServices } from '../broker/services.ts';
import { TopicCreator } from '../broker/topic-creator.ts';
import type { Handler } from '../broker/handler.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { topicConfig } from '../config/topic.ts';
import { LogManager } from '../log/log-manager.ts';
import { logManagerSettings } from '../log/log-settings.ts';
import type { MetadataImage } from '../metadata/image.ts';
import { ReplicaManager } from '../replication/replica-manager.ts';
import { BrokerLifecycle } from './controller/broker-lifecycle.ts';
import { supportedFeatures } from './controller/controller-settings.ts';
import type { ControllerPart } from './controller-part.ts';
import { advertisedEndpoints } from './listeners.ts';
import type { ClaimedDirectories } from './log-directories.ts';
import { logDirectories } from './log-directory-descriptions.ts';
import type { NodePorts } from './ports.ts';

export interface BrokerPart {
  readonly services: BrokerServices;
  readonly handlers: readonly Handler[];
  readonly creator: TopicCreator;
  /** Opens the logs, follows the metadata and registers; resolves when the controller has let this broker into service. */
  start(): Promise<void>;
  /** Leaderships move away; after that no metadata names this broker, and clients should not be answered from here. */
  leave(): Promise<void>;
  /** Everything is closed so that the next start is clean. */
  stop(): Promise<void>;
}

export function buildBrokerPart(
  config: NodeConfig,
  directories: ClaimedDirectories,
  controller: ControllerPart,
  node: NodeServices & { readonly imageWatch: ImageWatch },
  ports: NodePorts,
): BrokerPart {
  const { clock, scheduler, random, fs, peers, logger } = ports;
  const { loader, client } = controller;
  const offline = new Set<Uuid>();
  const logs = new LogManager({
    fs,
    clock,
    scheduler,
    random,
    logger,
    directories: directories.logDirs,
    settings: logManagerSettings(config, false),
    configOf: (topic) => topicConfig(loader.image.configs.topic(topic), config),
    onDirectoryFailure: ({ path, id }, error) => {
      offline.add(id);
      if (offline.size < directories.logDirs.length) return;
      logger.error('Shutdown broker because all log dirs have failed', { path });
      ports.onFatal(error);
    },
  });
  let lifecycle: BrokerLifecycle | null = null;
  const replicas = new ReplicaManager({
    localId: config.nodeId,
    localBrokerEpoch: () => lifecycle?.brokerEpoch ?? -1,
    clock,
    scheduler,
    random,
    logger,
    peers,
    logs,
    controller: client,
    interBrokerListenerName: config.interBrokerListenerName,
    lagTimeMaxMs: config.get('replica.lag.time.max.ms'),
    topicConfig: (overrides) => topicConfig(overrides, config),
  });
  const groups = new GroupService({
    config,
    replicas,
    metadata: () => loader.image,
    clock,
    scheduler,
    random,
    logger,
  });
  const services: BrokerServices = { ...node, replicas, logDirectories: logDirectories(logs, fs) };
  const creator = new TopicCreator(services);

  const start = async (): Promise<void> => {
    await logs.start();
    lifecycle = new BrokerLifecycle({
      nodeId: config.nodeId,
      clusterId: directories.clusterId,
      client,
      image: () => loader.image,
      endpoints: advertisedEndpoints(config, ports.hostName),
      rack: config.get('broker.rack'),
      features: supportedFeatures,
      logDirs: directories.logDirs.map(({ id }) => id),
      offlineLogDirs: () => [...offline],
      previousBrokerEpoch: Math.max(
        -1,
        ...logs.directories().map(({ previousBrokerEpoch }) => previousBrokerEpoch),
      ),
      heartbeatIntervalMs: config.get('broker.heartbeat.interval.ms'),
      registrationTimeoutMs: config.get('initial.broker.registration.timeout.ms'),
      clock,
      scheduler,
      random,
      logger: logger.child('BrokerLifecycleManager'),
    });
    await lifecycle.start();
    await ownRegistration(lifecycle.brokerEpoch);
    replicas.start();
    groups.start();
    loader.addPublisher(replicas);
    loader.addPublisher(groups);
    loader.addPublisher(node.imageWatch);
    loader.addPublisher(lifecycle);
    await replicas.removeStrays();
    lifecycle.ready();
    await lifecycle.whenUnfenced();
  };

  /**
   * Resolves when this node's image has its registration. Before that the image speaks of an earlier life, which may have led
   * partitions with records that this one has lost: as their leader it would have its followers truncate.
   */
  const ownRegistration = async (epoch: number): Promise<void> => {
    const watch = new ImageWatch(() => loader.image, scheduler);
    loader.addPublisher(watch);
    const shows = (image: MetadataImage): boolean =>
      image.cluster.brokers.get(config.nodeId)?.epoch === epoch;
    const timeoutMs = config.get('initial.broker.registration.timeout.ms');
    if (await watch.until(shows, timeoutMs)) return;
    throw new Error(`The registration of this broker did not reach its metadata within ${timeoutMs} ms`);
  };

  const leave = async (): Promise<void> => {
    if (lifecycle !== null && config.get('controlled.shutdown.enable')) await lifecycle.shutdown();
    lifecycle?.close();
  };
  const stop = async (): Promise<void> => {
    groups.stop();
    await replicas.stop();
    await logs.shutdown(lifecycle?.brokerEpoch ?? -1);
  };
  return {
    services,
    handlers: createGroupHandlers(groups, new Endpoints(config.nodeId, config.advertisesExplicitly), creator),
    creator,
    start,
    leave,
    stop,
  };
}
