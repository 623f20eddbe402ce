/** Spring Boot with Spring for Apache Kafka: REST, KafkaTemplate, listeners in groups, retries, dead letters, a transaction. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, json, maven, run, same, waitFor } from './lib.mjs';

export const about = 'Spring Boot: two groups, retry topics and dead letters, transactions, a node killed';
export const isShort = false;

const source = fileURLToPath(new URL('./spring', import.meta.url));

export async function travel(journey) {
  const project = join(journey.cacheFolder, 'spring');
  mkdirSync(project, { recursive: true });
  cpSync(source, project, { recursive: true });
  maven(['-f', join(project, 'pom.xml'), 'package']);
  const cluster = await journey.cluster(3);
  for (const topic of ['orders', 'payments', 'pairs'])
    run(join(cluster.bin, 'kafka-topics'), [
      '--bootstrap-server',
      cluster.bootstrap,
      '--create',
      '--topic',
      topic,
    ]);
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  journey.start('spring', 'java', [
    '-Xmx256m',
    '-jar',
    join(project, 'target', 'journey-1.jar'),
    `--server.port=${port}`,
    `--spring.kafka.bootstrap-servers=${cluster.bootstrap}`,
    '--spring.kafka.consumer.auto-offset-reset=earliest',
  ]);
  const seen = async () => (await json(`${url}/seen`)) ?? {};
  const ready = await waitFor('the application', 120_000, () => seen());
  same('what was seen before anything was sent', ready, {});
  const values = Array.from({ length: 20 }, (_, at) => `order-${at}`);
  for (const value of values.slice(0, 10)) await json(`${url}/orders/${value}`, 'POST');
  await cluster.kill(cluster.nodes[1]);
  for (const value of values.slice(10)) await json(`${url}/orders/${value}`, 'POST');
  for (const group of ['billing', 'shipping']) {
    const got = await waitFor(`20 orders in ${group}`, 60_000, async () => {
      const { [group]: list = [] } = await seen();
      return new Set(list).size === 20 ? list : null;
    });
    same(`orders of ${group}`, [...new Set(got)].sort(), [...values].sort());
  }
  await json(`${url}/payments/good`, 'POST');
  await json(`${url}/payments/bad`, 'POST');
  const paid = await waitFor('a dead letter', 60_000, async () => {
    const state = await seen();
    return state.givenUp?.includes('bad') && state.paid?.includes('good') ? state : null;
  });
  same('tries of the bad payment', paid.tried.filter((value) => value === 'bad').length, 3);
  same('a committed pair', await json(`${url}/pairs/one/commit`, 'POST'), true);
  same('an aborted pair', await json(`${url}/pairs/two/abort`, 'POST'), false);
  same('a committed pair', await json(`${url}/pairs/three/commit`, 'POST'), true);
  const { pairs } = await waitFor('four records of pairs', 60_000, async () => {
    const state = await seen();
    return state.pairs?.length >= 4 ? state : null;
  });
  same('pairs', [...pairs].sort(), ['one-1', 'one-2', 'three-1', 'three-2']);
}
