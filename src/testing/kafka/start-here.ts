/** Starts a cluster in this thread. */
import { createSystemRandom } from '../../adapters/random.ts';
import { systemFileSystem } from '../../adapters/file-system.ts';
import { randomUuid } from '../../base/uuid.ts';
import { readMetaProperties } from '../../log/directories/meta-properties.ts';
import { TestKafka } from './cluster.ts';
import type { StartKafkaOptions } from './options.ts';
import { Snapshot } from './snapshot.ts';

/** As `startKafka`, with `where: 'here'`. */
export async function startHere(options: StartKafkaOptions = {}): Promise<TestKafka> {
  const { from } = options;
  const snapshot = typeof from === 'string' ? await Snapshot.load(from) : snapshotOf(from);
  if (snapshot !== null && (options.storage ?? 'memory') !== 'memory')
    throw new TypeError('A cluster that begins from a snapshot is in memory: leave out storage or from.');
  const nodes = options.nodes ?? snapshot?.nodes.size ?? 1;
  if (snapshot !== null && nodes !== snapshot.nodes.size)
    throw new TypeError(`The snapshot has ${snapshot.nodes.size} nodes, not ${nodes}.`);
  const clusterId =
    snapshot?.clusterId ?? (await knownClusterId(options)) ?? randomUuid(createSystemRandom());
  const kafka = new TestKafka({ ...options, nodes }, clusterId);
  await kafka.open(snapshot);
  return kafka;
}

/** Fetches a snapshot from another thread only once. */
function snapshotOf(from: Snapshot | undefined): Snapshot | null {
  if (from === undefined || from instanceof Snapshot) return from ?? null;
  const { clusterId, nodes } = from as Snapshot;
  return new Snapshot(clusterId, nodes);
}

/** The cluster id in a directory that held a cluster before. */
async function knownClusterId({ storage = 'memory' }: StartKafkaOptions): Promise<string | null> {
  if (storage === 'memory') return null;
  return (await readMetaProperties(systemFileSystem, `${storage}/node-1`))?.clusterId ?? null;
}
