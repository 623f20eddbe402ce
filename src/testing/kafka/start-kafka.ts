/** `startKafka`: a Kafka-compatible cluster for a test, in one call. */
import type { TestKafka } from './cluster.ts';
import type { StartKafkaOptions } from './options.ts';

/**
 * Starts a cluster and resolves when client requests are handled. The nodes run the production code, with real sockets for
 * clients; the test controls disk, time and the network between the nodes.
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
  if (options === null) throw new TypeError('startKafka takes an object of options, not null.');
  const { where = 'thread' } = options;
  // Loaded on demand: with a separate thread, this thread does not need the code of the nodes.
  if (where === 'here') return (await import('./start-here.ts')).startHere(options);
  if (where === 'thread' || where === 'process')
    return (await import('./remote/home.ts')).startElsewhere(where, options);
  throw new TypeError(`where must be 'here', 'thread' or 'process', not '${String(where)}'.`);
}
