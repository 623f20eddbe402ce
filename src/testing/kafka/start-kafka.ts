/** `startKafka`: a Kafka-compatible cluster for a test, in one call. */
import { createSystemRandom } from '../../adapters/random.ts';
import { systemFileSystem } from '../../adapters/file-system.ts';
import { randomUuid } from '../../base/uuid.ts';
import { readMetaProperties } from '../../log/meta-properties.ts';
import { TestKafka } from './cluster.ts';
import type { StartKafkaOptions } from './options.ts';
import { Snapshot } from './snapshot.ts';

/**
 * Starts a cluster and resolves when clients are answered. The nodes are those of production: the same code, with real
 * sockets for clients; only disk, time and the network between the nodes are the test's.
 *
 * @example
 * ```ts
 * import { startKafka } from 'bendemann/testing';
 *
 * await using kafka = await startKafka({ nodes: 3, topics: { orders: 3 } });
 * await kafka.produce('orders', ['one', 'two']);
 * const records = await kafka.read('orders', { count: 2 });
 * ```
 */
export async function startKafka(options: StartKafkaOptions = {}): Promise<TestKafka> {
  const { from } = options;
  const snapshot = typeof from === 'string' ? await Snapshot.load(from) : (from ?? null);
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

/** Of a directory that held a cluster before. */
async function knownClusterId({ storage = 'memory' }: StartKafkaOptions): Promise<string | null> {
  if (storage === 'memory') return null;
  return (await readMetaProperties(systemFileSystem, `${storage}/node-1`))?.clusterId ?? null;
}
