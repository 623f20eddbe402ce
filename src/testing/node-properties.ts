/** The `server.properties` of simulated nodes, and the files that `kafka-storage format` would have written. */
import { createHash } from 'node:crypto';
import { uuidFromBytes } from '../base/uuid.ts';
import { metaPropertiesText } from '../log/directories/meta-properties.ts';
import {
  defaultFeatureLevel,
  features,
  kraftVersionFeature,
  latestMetadataVersion,
  metadataVersionFeature,
} from '../metadata/feature-versions.ts';
import { type MetadataRecord, record } from '../metadata/records.ts';
import { writeBootstrapFiles } from '../server/bootstrap-checkpoint.ts';
import type { SimulatedDisk } from '../simulation/disk.ts';

/** The roles of a node: Kafka's `process.roles`. */
export type SimulatedRole = 'both' | 'controller' | 'broker';

export const dataPath = '/data';
export const brokerPort = 9092;
export const controllerPort = 9093;
const clusterId = 'c2ltdWxhdGVkLWNsdXN0ZXI';

export function hostNameOf(id: number): string {
  return `node${id}`;
}

const rolesText: Record<SimulatedRole, string> = {
  both: 'broker,controller',
  controller: 'controller',
  broker: 'broker',
};

/**
 * The properties of node `id` in a cluster of `roles`; nodes are numbered from 1. `extra` overrides them, except for the
 * advertised listeners of a broker and the listener name for other brokers of a controller.
 */
export function propertiesOf(
  id: number,
  roles: readonly SimulatedRole[],
  extra: Readonly<Record<string, string>>,
): Map<string, string> {
  const role = roles[id - 1] ?? 'both';
  const voters = roles.flatMap((one, at) =>
    one === 'broker' ? [] : [`${at + 1}@${hostNameOf(at + 1)}:${controllerPort}`],
  );
  const factor = Math.min(3, roles.filter((one) => one !== 'controller').length);
  const listeners = [
    ...(role === 'controller' ? [] : [`PLAINTEXT://:${brokerPort}`]),
    ...(role === 'broker' ? [] : [`CONTROLLER://:${controllerPort}`]),
  ];
  const properties = new Map(
    Object.entries({
      'process.roles': rolesText[role],
      'node.id': String(id),
      'controller.quorum.voters': voters.join(','),
      'controller.listener.names': 'CONTROLLER',
      'inter.broker.listener.name': 'PLAINTEXT',
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      listeners: listeners.join(','),
      'log.dirs': dataPath,
      'default.replication.factor': String(factor),
      'offsets.topic.replication.factor': String(factor),
      'offsets.topic.num.partitions': '3',
      'min.insync.replicas': factor === 3 ? '2' : '1',
      'group.initial.rebalance.delay.ms': '0',
      ...extra,
    }),
  );
  if (role === 'controller') properties.delete('inter.broker.listener.name');
  else properties.set('advertised.listeners', `PLAINTEXT://${hostNameOf(id)}:${brokerPort}`);
  return properties;
}

/** The first metadata records of a new cluster of the latest version, with or without eligible leader replicas (KIP-966). */
function bootstrapRecords(hasEligibleLeaderReplicas: boolean): MetadataRecord[] {
  const { level } = latestMetadataVersion;
  const levels = features
    .filter(({ name }) => name !== kraftVersionFeature)
    .filter(({ name }) => hasEligibleLeaderReplicas || name !== 'eligible.leader.replicas.version')
    .map((feature): [string, number] => [feature.name, defaultFeatureLevel(feature, level)]);
  return [[metadataVersionFeature, level] as const, ...levels.filter(([, at]) => at > 0)].map(
    ([name, featureLevel]) => record('FeatureLevelRecord', { name, featureLevel }),
  );
}

/**
 * Formats the log directories of a node on its simulated disk, and syncs them. The function does not wait for the result; the
 * simulated disk has it before the first event of the simulation.
 */
export function formatDisk(
  disk: SimulatedDisk,
  id: number,
  directories: readonly string[],
  hasEligibleLeaderReplicas: boolean,
): void {
  const records = bootstrapRecords(hasEligibleLeaderReplicas);
  const format = async (path: string): Promise<void> => {
    const name = path === dataPath ? hostNameOf(id) : `${hostNameOf(id)}${path}`;
    const directoryId = uuidFromBytes(createHash('sha256').update(name).digest());
    const text = metaPropertiesText({ clusterId, nodeId: id, directoryId }, 'simulated');
    await writeBootstrapFiles(disk, path, records, null, 0);
    const file = await disk.open(`${path}/meta.properties`, 'write');
    await file.write([new TextEncoder().encode(text)], 0);
    await file.sync();
    await disk.syncDirectory(path);
    await disk.syncDirectory('/');
  };
  for (const path of directories) void format(path);
}
