/** `startKafka`: a Kafka-compatible cluster for a test, in one call. */
import type { TestKafka } from './cluster.ts';
import type { StartKafkaOptions } from './options.ts';

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
  const { where = 'thread' } = options;
  // Loaded late: with a thread of its own, the code of the nodes is not needed in this one.
  if (where === 'here') return (await import('./start-here.ts')).startHere(options);
  if (where === 'thread' || where === 'process')
    return (await import('./remote/home.ts')).startElsewhere(where, options);
  throw new TypeError(`where must be 'here', 'thread' or 'process', not '${String(where)}'.`);
}
