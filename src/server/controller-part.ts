/**
 * The part that every node has: the metadata log, the image made from it and, with the controller role, the controller.
 * Listeners of the log are added in the order in which they must receive an entry: the image first.
 */
import type { ClientQuotas } from '../broker/quotas/client-quotas.ts';
import { quotaClientOf } from '../broker/quotas/quota-table.ts';
import { type PartitionMutations, unlimitedMutations } from '../controller/state.ts';
import { CreateTopicsRequest } from '../protocol/messages/topics/19-create-topics.ts';
import { DeleteTopicsRequest } from '../protocol/messages/topics/20-delete-topics.ts';
import { CreatePartitionsRequest } from '../protocol/messages/topics/37-create-partitions.ts';
import type { Call } from './calls/messages.ts';
import type { Identity } from '../base/hello.ts';
import { nodeId } from '../base/ids.ts';
import type { Address } from '../base/network.ts';
import { release } from '../base/release.ts';
import { uuidZero } from '../base/uuid.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { MetadataLoader } from '../metadata/loader.ts';
import type { MetadataLog } from '../raft/api.ts';
import type { Voter } from '../raft/types.ts';
import { readBootstrapRecords, readInitialVoters } from './bootstrap-checkpoint.ts';
import { brokerProbe } from './controller/broker-probe.ts';
import { StreamControllerClient } from './controller/controller-client.ts';
import { controllerChannel } from './calls/messages.ts';
import { ControllerDriver } from './controller/controller-driver.ts';
import { ControllerLog } from './controller/controller-log.ts';
import { ControllerRegistrar } from './controller/controller-registrar.ts';
import { ControllerServer } from './controller/controller-server.ts';
import { checkFeatureLevels, supportedFeatures } from '../metadata/feature-versions.ts';
import { SnapshotWriter } from './controller/snapshot-writer.ts';
import { controllerEndpoints } from './listeners.ts';
import type { ClaimedDirectories } from './claimed-directories.ts';
import { OwnVoter } from './own-voter.ts';
import type { NodePorts } from './ports.ts';
import { openMetadataLog } from './raft/open-metadata-log.ts';
import { QuorumMeter } from './raft/quorum-meter.ts';

export interface ControllerPart {
  readonly identity: Identity;
  readonly log: MetadataLog;
  readonly meter: QuorumMeter;
  readonly loader: MetadataLoader;
  readonly client: StreamControllerClient;
  /** Null on a node without the controller role. */
  readonly driver: ControllerDriver | null;
  /** Hands over the leadership of the quorum, then stops. */
  stop(): Promise<void>;
}

function staticVoters(config: NodeConfig): Voter[] {
  const [name = 'CONTROLLER'] = config.controllerListenerNames;
  return config.voters.map(({ id, host, port }) => ({
    id: nodeId(id),
    directoryId: uuidZero,
    endpoints: [{ name, host, port }],
  }));
}

/** The identity of this node, and of this start of its process (`bootId`), for the hellos to peers. */
function identityOf(config: NodeConfig, directories: ClaimedDirectories, { random }: NodePorts): Identity {
  const { clusterId, metadataDir } = directories;
  return { clusterId, nodeId: config.nodeId, directoryId: metadataDir.id, bootId: random.u32(), release };
}

function bootstrapAddresses(config: NodeConfig, voters: readonly Voter[]): Address[] {
  const known = voters.flatMap(({ endpoints }) => endpoints.slice(0, 1));
  return [...known.map(({ host, port }) => ({ host, port })), ...config.bootstrapServers];
}

async function openLog(
  config: NodeConfig,
  directories: ClaimedDirectories,
  ports: NodePorts,
  identity: Identity,
  voters: readonly Voter[],
  meter: QuorumMeter,
): Promise<MetadataLog> {
  const { metadataDir } = directories;
  return openMetadataLog({
    identity,
    endpoints: config.isController ? controllerEndpoints(config, ports.hostName) : [],
    voters,
    bootstrapServers: bootstrapAddresses(config, voters),
    store: config.isController ? ports.openRaftStore(metadataDir) : null,
    clock: ports.clock,
    scheduler: ports.scheduler,
    random: ports.random,
    peers: ports.peers,
    logger: ports.logger.child(`Raft id=${config.nodeId}`),
    tuning: {
      electionTimeoutMs: config.get('controller.quorum.election.timeout.ms'),
      fetchTimeoutMs: config.get('controller.quorum.fetch.timeout.ms'),
    },
    meter,
    onFatal: (error) => ports.onFatal(error),
  });
}

interface ActiveParts {
  readonly driver: ControllerDriver;
  readonly writer: SnapshotWriter;
  readonly server: ControllerServer;
}

/** The objects that only a node with the controller role has. */
async function buildController(
  config: NodeConfig,
  directories: ClaimedDirectories,
  ports: NodePorts,
  identity: Identity,
  log: MetadataLog,
  loader: MetadataLoader,
  quotas: ClientQuotas,
): Promise<ActiveParts> {
  const { clock, scheduler, random, fs, peers } = ports;
  const logger = ports.logger.child('Controller');
  const probe = brokerProbe({
    network: ports.network,
    image: () => loader.image,
    listenerName: config.interBrokerListenerName,
  });
  const bootstrap = (await readBootstrapRecords(fs, directories.metadataDir.path)) ?? [];
  const { clusterId } = directories;
  const driver = new ControllerDriver({
    log,
    loader,
    config,
    clusterId,
    bootstrap,
    probe,
    clock,
    scheduler,
    random,
    logger,
    mutationsOf: (call, nowMs) => mutationsOf(quotas, call, nowMs),
  });
  log.addListener(driver);
  loader.addPublisher({
    onMetadataUpdate: (delta, image) => {
      if (delta.featuresChanged) checkFeatureLevels(image.features.levels);
    },
  });
  loader.addPublisher(new ControllerLog({ logger, scheduler, isActive: () => driver.isActive }));
  const writer = new SnapshotWriter({
    log,
    loader,
    bytesMax: config.get('metadata.log.max.record.bytes.between.snapshots'),
    intervalMs: config.get('metadata.log.max.snapshot.interval.ms'),
    scheduler,
    logger,
  });
  log.addListener(writer);
  const server = new ControllerServer({ identity, driver, leader: () => log.leader(), logger });
  peers.accept(controllerChannel, (stream) => server.accept(stream));
  return { driver, writer, server };
}

/** The first version of each request whose clients know THROTTLING_QUOTA_EXCEEDED (KIP-599). */
const strictSince: Readonly<Record<number, number>> = {
  [CreateTopicsRequest.key]: 6,
  [DeleteTopicsRequest.key]: 5,
  [CreatePartitionsRequest.key]: 3,
};

/** A node's own requests have no principal and no quota. */
function mutationsOf(quotas: ClientQuotas, call: Call, nowMs: number): PartitionMutations {
  const { apiKey, apiVersion, principal, clientId } = call;
  const since = strictSince[apiKey];
  if (since === undefined || principal === '') return unlimitedMutations;
  const client = quotaClientOf({ connection: { principal }, clientId });
  return quotas.mutation.begin(client, apiVersion >= since, nowMs);
}

function buildOwnVoter(
  config: NodeConfig,
  directories: ClaimedDirectories,
  ports: NodePorts,
  log: MetadataLog,
  client: StreamControllerClient,
): OwnVoter {
  return new OwnVoter({
    me: { id: config.nodeId, directoryId: directories.metadataDir.id },
    clusterId: directories.clusterId,
    endpoints: controllerEndpoints(config, ports.hostName),
    joins: config.get('controller.quorum.auto.join.enable'),
    intervalMs: config.get('controller.quorum.fetch.timeout.ms'),
    log,
    client,
    scheduler: ports.scheduler,
    logger: ports.logger.child('Controller'),
  });
}

/** Builds the objects of the part; the caller starts them. */
export async function buildControllerPart(
  config: NodeConfig,
  directories: ClaimedDirectories,
  ports: NodePorts,
  quotas: ClientQuotas,
): Promise<ControllerPart> {
  const { clock, scheduler, random, fs, peers } = ports;
  const metadataPath = directories.metadataDir.path;
  const identity = identityOf(config, directories, ports);
  const configured = staticVoters(config);
  const voters = configured.length > 0 ? configured : ((await readInitialVoters(fs, metadataPath)) ?? []);
  const meter = new QuorumMeter(clock);
  const log = await openLog(config, directories, ports, identity, voters, meter);
  const loader = new MetadataLoader(clock, scheduler);
  log.addListener(loader);
  const own = config.isController
    ? await buildController(config, directories, ports, identity, log, loader, quotas)
    : null;
  const driver = own?.driver ?? null;
  const client = new StreamControllerClient({
    identity,
    log,
    bootstrap: bootstrapAddresses(config, voters),
    local: driver,
    peers,
    clock,
    scheduler,
  });
  loader.addPublisher(client);
  const registrar = new ControllerRegistrar({
    nodeId: config.nodeId,
    client,
    endpoints: controllerEndpoints(config, ports.hostName),
    features: supportedFeatures,
    scheduler,
    random,
  });
  const ownVoter = buildOwnVoter(config, directories, ports, log, client);
  if (config.isController) for (const publisher of [registrar, ownVoter]) loader.addPublisher(publisher);
  const stop = async (): Promise<void> => {
    registrar.close();
    ownVoter.close();
    await own?.writer.close();
    client.close();
    await log.shutdown();
    own?.server.close();
  };
  return { identity, log, meter, loader, client, driver, stop };
}
