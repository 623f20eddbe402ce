/**
 * Checks exactly-once semantics with Kafka Streams: the word count of Apache Kafka's examples (`exactly_once_v2`, three
 * threads, a state store) runs on three nodes. The nodes are ended by `kill -9` one after the other, and now and then the
 * application too.
 *
 * usage: node scripts/streams.mjs --kafka DIR [--minutes N] [--kill-seconds N] [--app-kill-every N]
 *
 * The application writes each new count of a word. So for a word that occurs N times in the input, a read_committed consumer
 * must see 1, 2, … N in this order, each once. The input topic must contain each line exactly once, except for lines that the
 * producer reports as failed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LocalCluster, settingsOf, sleep, waitFor } from './lib/cluster.mjs';
import { freePorts } from './lib/ports.mjs';
import { scriptOptions } from './lib/options.mjs';
import { ready, root } from './lib/ready.mjs';

const { values, refuse } = scriptOptions(import.meta.url, {
  kafka: { type: 'string' },
  minutes: { type: 'number', default: 2 },
  'kill-seconds': { type: 'number', default: 5 },
  'app-kill-every': { type: 'number', default: 4 },
});
if (values.kafka === undefined) refuse('--kafka is missing');
ready();
const kafka = resolve(values.kafka);
const input = 'streams-plaintext-input';
const output = 'streams-wordcount-output';
const linesPerSecond = 100;
const settleMs = 180_000;
const env = { ...process.env, KAFKA_HEAP_OPTS: '-Xmx128m' };

const folder = mkdtempSync(join(tmpdir(), 'bendemann-streams-'));
const settings = settingsOf(3, await freePorts(6), folder).map((properties) => ({
  ...properties,
  'transaction.state.log.replication.factor': 3,
  'transaction.state.log.min.isr': 2,
}));
const cluster = new LocalCluster({ folder, settings });

function startApplication() {
  const properties = join(folder, 'streams.properties');
  writeFileSync(
    properties,
    [
      'application.id=word-count',
      `bootstrap.servers=${cluster.bootstrap}`,
      'processing.guarantee=exactly_once_v2',
      'num.stream.threads=3',
      'commit.interval.ms=100',
      'replication.factor=3',
      'statestore.cache.max.bytes=0',
      'session.timeout.ms=10000',
      `state.dir=${join(folder, 'state')}`,
    ].join('\n'),
  );
  const log = openSync(join(folder, 'streams.log'), 'a');
  const main = 'org.apache.kafka.streams.examples.wordcount.WordCountDemo';
  return spawn('java', ['-Xmx256m', '-cp', join(kafka, 'libs', '*'), main, properties], {
    stdio: ['ignore', log, log],
  });
}

/**
 * Writes words without end, with Kafka's own console producer, which sends a record again until it knows that it was written.
 */
function startSpeaker() {
  const logPath = join(folder, 'producer.log');
  const log = openSync(logPath, 'a');
  const args = ['--bootstrap-server', cluster.bootstrap, '--topic', input];
  for (const property of [
    'acks=all',
    'delivery.timeout.ms=600000',
    // By default the tool gives up after three tries.
    'retries=2147483647',
    'request.timeout.ms=5000',
    'linger.ms=20',
  ])
    args.push('--command-property', property);
  const speaker = spawn(join(kafka, 'bin', 'kafka-console-producer'), args, {
    stdio: ['pipe', log, log],
    env,
  });
  let said = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < linesPerSecond / 10; i++, said++)
      speaker.stdin.write(`all word${said % 7} half${said % 2}\n`);
  }, 100);
  return {
    async end() {
      clearInterval(timer);
      speaker.stdin.end();
      await new Promise((done) => speaker.once('exit', done));
      const failed = readFileSync(logPath, 'utf8').split('Error when sending message').length - 1;
      return { said, failed };
    },
  };
}

/** Returns the committed records of a topic, by partition, as lines `key value`. */
function read(topic, valueDeserializer) {
  const args = [
    '--bootstrap-server',
    cluster.bootstrap,
    '--topic',
    topic,
    '--from-beginning',
    '--isolation-level',
  ];
  args.push('read_committed', '--timeout-ms', '8000', '--formatter-property', 'print.key=true');
  args.push(
    '--formatter-property',
    'key.separator= ',
    '--formatter-property',
    `value.deserializer=${valueDeserializer}`,
  );
  const text = execFileSync(join(kafka, 'bin', 'kafka-console-consumer'), args, {
    encoding: 'utf8',
    env,
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return text.split('\n').filter((line) => line !== '');
}

const deserializers = 'org.apache.kafka.common.serialization';

function countsOfInput() {
  const counts = new Map();
  for (const line of read(input, `${deserializers}.StringDeserializer`))
    for (const word of line.split(' ').slice(1)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Returns what is wrong with the output, in sentences; an empty list when nothing is. */
function problems(expected) {
  const seen = new Map();
  const wrong = [];
  for (const line of read(output, `${deserializers}.LongDeserializer`)) {
    const [word, count] = line.split(' ');
    const next = (seen.get(word) ?? 0) + 1;
    if (Number(count) !== next) wrong.push(`${word}: ${count} instead of ${next}`);
    seen.set(word, Number(count));
  }
  for (const [word, count] of expected)
    if (seen.get(word) !== count)
      wrong.push(`${word}: ends at ${seen.get(word)}, but occurs ${count} times in the input`);
  return wrong;
}

async function nemesis(endMs, application) {
  let app = application;
  let kills = 0;
  let appKills = 0;
  while (performance.now() < endMs) {
    await sleep(values['kill-seconds'] * 1000);
    const node = cluster.nodes[kills % 3];
    await cluster.kill(node);
    kills++;
    if (kills % values['app-kill-every'] === 0) {
      app.kill('SIGKILL');
      appKills++;
      app = startApplication();
    }
    await sleep(1500);
    cluster.start(node);
  }
  return { app, kills, appKills };
}

let status = 1;
let app = null;
try {
  cluster.format();
  cluster.startAll();
  await waitFor('a topic', 30_000, () => {
    for (const topic of [input, output])
      cluster.tool(
        'kafka-topics',
        '--bootstrap-server',
        cluster.bootstrap,
        '--create',
        '--if-not-exists',
        '--topic',
        topic,
      );
    return true;
  });
  app = startApplication();
  const speaker = startSpeaker();
  const endMs = performance.now() + values.minutes * 60_000;
  const done = await nemesis(endMs, app);
  app = done.app;
  const { said, failed } = await speaker.end();
  const expected = countsOfInput();
  let wrong = [];
  const deadlineMs = performance.now() + settleMs;
  do {
    await sleep(5000);
    wrong = problems(expected);
  } while (wrong.length > 0 && performance.now() < deadlineMs);
  const total = [...expected.values()].reduce((sum, count) => sum + count, 0);
  const missing = said - failed - (expected.get('all') ?? 0);
  if (missing !== 0) wrong.push(`${missing} of the acknowledged lines are not in the input`);
  console.log(
    `${said} lines, ${failed} of them not written, ${total} words; ${done.kills} nodes and ${done.appKills} applications killed; ${wrong.length} counts are wrong`,
  );
  for (const line of wrong.slice(0, 20)) console.log(line);
  status = wrong.length === 0 && total > 0 ? 0 : 1;
} finally {
  app?.kill('SIGKILL');
  await cluster.stopAll();
  if (status === 0) rmSync(folder, { recursive: true, force: true });
  else console.error(`logs and data: ${folder} (${root})`);
}
process.exit(status);
