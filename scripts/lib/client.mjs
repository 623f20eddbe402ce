/** Our own client from dist/, on the real network: what the scripts look at a cluster with. Import after `ready()`. */
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
    /** Quick to give up on a node that is not there. */
    client: (bootstrap, options = {}) =>
      new KafkaClient({ bootstrap, connectTimeoutMs: 1000, requestTimeoutMs: 5000, ...options }, ports),
    producer: (client, options) => new Producer(client, createSystemRandom(), options),
    fetcher: (client, options) => new Fetcher(client, options),
  };
}
