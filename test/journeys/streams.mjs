/** Kafka Streams: a windowed join with state stores, killed and started again, then reset by the application reset tool. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kafkaVersion, run, same, valuesOf } from './lib.mjs';

export const about = 'Kafka Streams: a windowed join with state stores, the application killed, then reset';
export const isShort = false;

const source = fileURLToPath(new URL('./streams/Join.java', import.meta.url));
const coordinates = [`org.apache.kafka:kafka-streams:${kafkaVersion}`, 'org.slf4j:slf4j-simple:1.7.36'];

export async function travel(journey) {
  const classPath = journey.jars('streams', coordinates);
  const classes = journey.path('classes');
  mkdirSync(classes);
  run('javac', ['-cp', classPath, '-d', classes, source]);
  const cluster = await journey.cluster(3);
  const tool = (name, args, input) =>
    run(join(cluster.bin, name), ['--bootstrap-server', cluster.bootstrap, ...args], { input });
  const topics = ['left', 'right', 'joined'];
  for (const topic of topics) tool('kafka-topics', ['--create', '--topic', topic, '--partitions', '3']);
  const say = (topic, from, to) => {
    const lines = Array.from(
      { length: to - from },
      (_, at) => `k${from + at}:${topic[0]}${from + at}\n`,
    ).join('');
    const parse = ['--property', 'parse.key=true', '--property', 'key.separator=:'];
    tool('kafka-console-producer', ['--topic', topic, ...parse], lines);
  };
  const start = () =>
    journey.java('streams', [classes, classPath], 'Join', [cluster.bootstrap, journey.path('state')]);
  const pairs = (count) => Array.from({ length: count }, (_, at) => `l${at}+r${at}`).sort();
  let application = start();
  say('left', 0, 50);
  say('right', 0, 25);
  same('the first joins', (await valuesOf(cluster, 'joined', 25, 120_000)).sort(), pairs(25));
  // The left sides of the other joins are in the state store only: it must come back from its changelog.
  await application.kill('SIGKILL');
  await cluster.kill(cluster.nodes[2]);
  application = start();
  say('right', 25, 50);
  same('all joins, each once', (await valuesOf(cluster, 'joined', 50, 180_000)).sort(), pairs(50));
  await application.kill('SIGTERM');
  const reset = ['--application-id', 'join', '--input-topics', 'left,right', '--force'];
  const said = tool('kafka-streams-application-reset', reset);
  if (!/Following input topics offsets will be reset|Reset-offsets for input topics/.test(said))
    throw new Error(`the reset tool said: ${said}`);
  application = start();
  const again = await valuesOf(cluster, 'joined', 100, 180_000);
  same('all joins once more after the reset', again.sort(), [...pairs(50), ...pairs(50)].sort());
}
