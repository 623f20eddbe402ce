/**
 * Makes clients of our own library, from dist/, for scripts that have to look at a cluster. Import it after `ready()`, which
 * builds dist/.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './ready.mjs';

const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);

export async function makeClients() {
  const [
    { KafkaClient },
    { Producer },
    { Fetcher },
    { systemClock, systemScheduler },
    { connectTcp },
    { createSystemRandom },
  ] = await Promise.all([
    load('client/kafka-client.js'),
    load('client/producer.js'),
    load('client/fetcher.js'),
    load('adapters/clock.js'),
    load('adapters/tcp-network.js'),
    load('adapters/random.js'),
  ]);
  const ports = { network: { connect: connectTcp }, clock: systemClock, scheduler: systemScheduler };
  return {
    /** Makes a client. Its time-outs are short, so that a node that is down delays a script only a little. */
    client: (bootstrap, options = {}) =>
      new KafkaClient({ bootstrap, connectTimeoutMs: 1000, requestTimeoutMs: 5000, ...options }, ports),
    producer: (client, options) => new Producer(client, createSystemRandom(), options),
    fetcher: (client, options) => new Fetcher(client, options),
  };
}
