/** Starts a cluster in the thread that calls it. */
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
  const known = await knownCluster(options);
  const nodes = options.nodes ?? snapshot?.nodes.size ?? known?.nodes ?? 1;
  if (snapshot !== null && nodes !== snapshot.nodes.size)
    throw new TypeError(`The snapshot has ${snapshot.nodes.size} nodes, not ${nodes}.`);
  if (known !== null && nodes !== known.nodes)
    throw new TypeError(`The cluster in ${options.storage} has ${known.nodes} nodes, not ${nodes}.`);
  const clusterId = snapshot?.clusterId ?? known?.clusterId ?? randomUuid(createSystemRandom());
  const kafka = new TestKafka({ ...options, nodes }, clusterId);
  await kafka.open(snapshot);
  return kafka;
}

/**
 * The snapshot as an object of this thread. If it is in another thread, each use of it would be a call, so it is copied once.
 */
function snapshotOf(from: Snapshot | undefined): Snapshot | null {
  if (from === undefined || from instanceof Snapshot) return from ?? null;
  const { clusterId, nodes, wallMs } = from as Partial<Snapshot>;
  if (clusterId === undefined || !(nodes instanceof Map))
    throw new TypeError('from must be a snapshot, or the path of a file that save(path) wrote.');
  return new Snapshot(clusterId, nodes, wallMs);
}

/** The cluster id and the number of nodes of the cluster whose files are in a directory; null: there is none. */
async function knownCluster({
  storage = 'memory',
}: StartKafkaOptions): Promise<{ clusterId: string; nodes: number } | null> {
  if (storage === 'memory' || (await systemFileSystem.stat(storage)) === null) return null;
  const folders = (await systemFileSystem.list(storage)).filter((name) => /^node-\d+$/.test(name));
  const first = await readMetaProperties(systemFileSystem, `${storage}/node-1`).catch((error: Error) => {
    throw new Error(
      `${storage} is not a directory of a test cluster: node-1/meta.properties: ${error.message}`,
    );
  });
  return first === null ? null : { clusterId: first.clusterId, nodes: folders.length };
}
