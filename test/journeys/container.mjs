/** An old compose file, of a Kafka with ZooKeeper: our container's entry point runs with its environment. */
import { join } from 'node:path';
import { root } from '../../scripts/lib/ready.mjs';
import { freePorts, run, same, waitFor } from './lib.mjs';

export const about =
  'an old compose file: topic made, --broker-list, metrics on a port of its own, data kept over a restart';
export const isShort = true;

const bin = (name) => join(root, 'bin', name);

export async function travel(journey) {
  const [port, metricsPort] = await freePorts(2);
  const env = {
    PATH: process.env.PATH,
    KAFKA_ADVERTISED_HOST_NAME: 'localhost',
    KAFKA_ADVERTISED_PORT: String(port),
    KAFKA_PORT: String(port),
    KAFKA_CREATE_TOPICS: 'test_topic:1:1',
    KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181',
    KAFKA_METRICS_PORT: String(metricsPort),
  };
  const start = () =>
    journey.start('container', bin('docker-entrypoint'), ['--root', journey.folder], { env });
  const bootstrap = `localhost:${port}`;
  const topics = () => run(bin('kafka-topics'), ['--bootstrap-server', bootstrap, '--list']).split('\n');
  const read = () => {
    const args = [
      '--bootstrap-server',
      bootstrap,
      '--topic',
      'test_topic',
      '--from-beginning',
      '--max-messages',
      '3',
    ];
    return run(bin('kafka-console-consumer'), [...args, '--timeout-ms', '10000'])
      .trim()
      .split('\n');
  };
  const container = start();
  await waitFor('the topic of KAFKA_CREATE_TOPICS', 30_000, () => topics().includes('test_topic'));
  run(bin('kafka-console-producer'), ['--broker-list', bootstrap, '--topic', 'test_topic'], {
    input: 'one\ntwo\nthree\n',
    // As `docker exec` gives it.
    env,
  });
  same('records', read(), ['one', 'two', 'three']);
  const metrics = await (await fetch(`http://localhost:${metricsPort}/metrics`)).text();
  if (!/^kafka_server_brokertopicmetrics_messagesin_total\{topic="test_topic",?\} 3/m.test(metrics))
    throw new Error('the metrics do not count the three records');
  await container.kill('SIGTERM');
  start();
  await waitFor('the node again', 30_000, () => topics().includes('test_topic'));
  same('records after the restart', read(), ['one', 'two', 'three']);
}
