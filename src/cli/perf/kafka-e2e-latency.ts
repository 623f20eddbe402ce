/** kafka-e2e-latency: sends one record after another, and measures the time until a consumer has received each. */
import { systemClock } from '../../adapters/clock.ts';
import { createSystemRandom } from '../../adapters/random.ts';
import { Fetcher, offsetLatest } from '../../client/fetcher.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Producer, type ProducerRecord } from '../../client/producer.ts';
import { retry } from '../../client/retry.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../protocol/messages/topics/19-create-topics.ts';
import { printHelpOrVersion, unread, usageError } from '../arguments/help-or-version.ts';
import { checkRequired, type Options, type OptionTable, parseOptions } from '../arguments/options.ts';
import { optionsHelp } from '../arguments/options-help.ts';
import { fetchOptionsOf, producerOptionsOf } from '../cluster/client-options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { percentiles } from './latency-stats.ts';
import { randomLetters } from './payloads.ts';

const intro =
  'This tool measures end-to-end latency in Kafka by sending messages and timing their reception.';
const sizeOption = (help: string, argument = 'bytes') =>
  ({ argument, type: 'Integer', isOptional: true, default: '0', help: `Optional: ${help}` }) as const;

const table: OptionTable = {
  'bootstrap-server': {
    argument: 'bootstrap-server',
    help: 'REQUIRED: The Kafka broker list string in the form HOST1:PORT1,HOST2:PORT2.',
  },
  topic: { argument: 'topic-name', help: 'REQUIRED: The topic to use for the test.' },
  'num-records': { argument: 'count', type: 'Integer', help: 'REQUIRED: The number of messages to send.' },
  'producer-acks': {
    argument: 'producer-acks',
    help: "REQUIRED: Producer acknowledgements. Must be '1' or 'all'.",
  },
  'record-size': {
    argument: 'bytes',
    type: 'Integer',
    help: 'REQUIRED: The size of each message payload in bytes.',
  },
  'record-key-size': sizeOption(
    'The size of the message key in bytes. If not set, messages are sent without a key.',
  ),
  'record-header-key-size': sizeOption(
    'The size of the message header key in bytes. Used together with record-header-size.',
  ),
  'record-header-size': sizeOption(
    'The size of message header value in bytes. Use -1 for null header value.',
  ),
  'num-headers': sizeOption('The number of headers to include in each message.', 'count'),
  'command-config': {
    argument: 'config-file',
    isOptional: true,
    help: 'Optional: A property file for Kafka producer/consumer/admin client configuration.',
  },
  help: { help: 'Print usage information.' },
  version: { help: 'Display Kafka version.' },
};

/** The order of the positional arguments that older releases had instead of options. */
const positions = [
  'bootstrap-server',
  'topic',
  'num-records',
  'producer-acks',
  'record-size',
  'command-config',
];
const receiveTimeoutMs = 60_000;
const progressEvery = 1000;

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const status = printHelpOrVersion(unread(args), args, intro, table, io);
  if (status !== null) return status;
  const options = readOptions(named(args, io));
  const settings = clientSettings(options.text('command-config'));
  settings.set('acks', options.text('producer-acks') as string);
  settings.set('linger.ms', '0');
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') as string,
    settings,
    clientId: 'e2e-latency',
  });
  try {
    await measure(client, options, settings, io);
    return 0;
  } finally {
    client.close();
  }
}

/** Converts positional arguments to options, with a warning. */
function named(args: readonly string[], io: CliIo): readonly string[] {
  if (args.some((word) => word.startsWith('--'))) return args;
  if (args.length < 5 || args.length > 6) {
    throw new ToolError(
      `Invalid number of arguments. Expected 5 or 6 positional arguments, but got ${args.length}. Usage: bootstrap-server topic num-records producer-acks record-size [optional] command-config`,
    );
  }
  io.stdout(
    `WARNING: Positional argument usage is deprecated and will be removed in Apache Kafka 5.0. Please use named arguments instead: ${positions.map((name) => `--${name}`).join(', ')}\n`,
  );
  return args.flatMap((word, at) => [`--${positions[at] as string}`, word]);
}

function readOptions(args: readonly string[]): Options {
  const options = usageError(table, () => {
    const parsed = parseOptions(table, args);
    checkRequired(parsed, ...positions.slice(0, -1));
    return parsed;
  });
  const number = (name: string): number => options.number(name) ?? 0;
  const wrong = (message: string): never => {
    throw new ToolError(`${message}\n${optionsHelp(table)}`);
  };
  if (!['1', 'all'].includes(options.text('producer-acks') as string)) {
    wrong(
      "Invalid value for --producer-acks. Latency testing requires synchronous acknowledgement. Please use '1' or 'all'.",
    );
  }
  if (number('num-records') <= 0) wrong('Value for --num-records must be a positive integer.');
  for (const name of ['record-size', 'record-key-size', 'record-header-key-size', 'num-headers']) {
    if (number(name) < 0) wrong(`Value for --${name} must be a non-negative integer.`);
  }
  if (number('record-header-size') < -1) {
    wrong('Value for --record-header-size must be a non-negative integer or -1 for null header value.');
  }
  return options;
}

async function createMissing(client: KafkaClient, topic: string, io: CliIo): Promise<void> {
  const { topics } = await client.metadata([topic]);
  if (topics.get(topic)?.errorCode === 0) return;
  io.stdout(
    `Topic "${topic}" does not exist. Will create topic with 1 partition(s) and replication factor = 1\n`,
  );
  const response = await client.request(CreateTopicsRequest, CreateTopicsResponse, {
    topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 30_000,
  });
  const errorCode = response.topics[0]?.errorCode ?? 0;
  if (errorCode !== 0 && errorCode !== Errors.TOPIC_ALREADY_EXISTS.code) {
    io.stdout(`Creation of topic ${topic} failed\n`);
    throw new KafkaError(errorOf(errorCode));
  }
  await retry(client.ports, receiveTimeoutMs, async () => {
    const found = (await client.metadata([topic])).topics.get(topic);
    if (found?.errorCode !== 0) throw new KafkaError(errorOf(found?.errorCode ?? 3));
  });
}

/** Returns a consumer that reads from the present end of all partitions of the topic. */
async function consumerAtEnd(
  client: KafkaClient,
  topic: string,
  settings: ReadonlyMap<string, string>,
): Promise<Fetcher> {
  const fetcher = new Fetcher(client, fetchOptionsOf(settings));
  const partitions = (await client.metadata([topic])).topics.get(topic)?.partitions ?? [];
  const ends = await fetcher.offsets(
    partitions.map(({ index }) => ({ topic, partition: index, timestamp: offsetLatest })),
  );
  for (const { index } of partitions) {
    fetcher.assign(topic, index, ends.get(`${topic}-${index}`)?.offset ?? 0);
  }
  return fetcher;
}

function recordMaker(options: Options): () => ProducerRecord {
  const random = createSystemRandom();
  const topic = options.text('topic') as string;
  const number = (name: string): number => options.number(name) ?? 0;
  const [value, key] = [number('record-size'), number('record-key-size')].map((size) =>
    randomLetters(size, random),
  ) as [(at: number) => Uint8Array, (at: number) => Uint8Array];
  const headerKey = randomLetters(number('record-header-key-size'), random);
  const headerBytes = number('record-header-size');
  const headerValue = randomLetters(Math.max(0, headerBytes), random);
  return () => ({
    topic,
    value: value(0),
    key: number('record-key-size') === 0 ? null : key(0),
    headers: Array.from({ length: number('num-headers') }, () => ({
      key: Buffer.from(headerKey(0)).toString('latin1'),
      value: headerBytes < 0 ? null : headerValue(0),
    })),
  });
}

async function measure(
  client: KafkaClient,
  options: Options,
  settings: ReadonlyMap<string, string>,
  io: CliIo,
): Promise<void> {
  const topic = options.text('topic') as string;
  await createMissing(client, topic, io);
  const producer = new Producer(client, createSystemRandom(), producerOptionsOf(settings));
  const consumer = await consumerAtEnd(client, topic, settings);
  const make = recordMaker(options);
  const count = options.number('num-records') as number;
  const latenciesMs: number[] = [];
  for (let index = 0; index < count; index++) {
    const record = make();
    const startMs = systemClock.monotonicMs();
    await producer.send(record);
    const received = await consumer.poll(receiveTimeoutMs, 2);
    const latencyMs = systemClock.monotonicMs() - startMs;
    checkReceived(record, received);
    if (index % progressEvery === 0) io.stdout(`${index}\t${latencyMs}\n`);
    latenciesMs.push(latencyMs);
  }
  const meanMs = latenciesMs.reduce((sum, latencyMs) => sum + latencyMs, 0) / count;
  const [p50, p99, p999] = percentiles(latenciesMs, [0.5, 0.99, 0.999]);
  io.stdout(`Avg latency: ${meanMs.toFixed(4)} ms\n`);
  io.stdout(`Percentiles: 50th = ${p50}, 99th = ${p99}, 99.9th = ${p999}\n`);
}

const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();

function checkReceived(
  sent: ProducerRecord,
  received: readonly { readonly value: Uint8Array | null }[],
): void {
  const [first] = received;
  if (first === undefined) {
    throw new ToolError(`poll() timed out before finding a result (timeout:[${receiveTimeoutMs}ms])`);
  }
  if (textOf(first.value) !== textOf(sent.value)) {
    throw new ToolError(
      `The message value read [${textOf(first.value)}] did not match the message value sent [${textOf(sent.value)}]`,
    );
  }
  if (received.length > 1) {
    throw new ToolError(`Only one result was expected during this test. We found [${received.length}]`);
  }
}
