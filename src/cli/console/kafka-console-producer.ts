/**
 * kafka-console-producer: writes each line of standard input as a record. It prints a prompt only on a terminal. When a line
 * cannot be parsed, it sends the lines before it and ends with status 1. A record that is not written also ends it with
 * `--sync`; otherwise the error is printed.
 */
import { systemClock } from '../../adapters/clock.ts';
import { logTimestamp } from '../../adapters/console-logger.ts';
import { createSystemRandom } from '../../adapters/random.ts';
import { Producer, type ProducerRecord } from '../../client/producer.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { type CompressionType, compressionTypes } from '../../protocol/records/batch.ts';
import { javaMaxRequestBytes } from '../cluster/client-options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { printHelpOrVersion, unread, usageError } from '../arguments/help-or-version.ts';
import { consoleProducerOptions as table } from './kafka-console-producer-options.ts';
import { exceptionText } from '../text/exception-names.ts';
import { hintLine } from '../hint.ts';
import { LineReader } from './line-reader.ts';
import { checkRequired, type Options, parseOptions } from '../arguments/options.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro = 'This tool helps to read data from standard input and publish it to Kafka.';

const deprecated: readonly [old: string, now: string][] = [
  ['property', 'reader-property'],
  ['producer-property', 'command-property'],
  ['producer.config', 'command-config'],
];

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const status = printHelpOrVersion(unread(args), args, intro, table, io);
  if (status !== null) return status;
  const options = readOptions(withBootstrapServer(args, io));
  for (const [old, now] of deprecated) {
    if (!options.has(old)) continue;
    io.stdout(
      `Warning: --${old} is deprecated and will be removed in a future version. Use --${now} instead.\n`,
    );
  }
  const topic = options.text('topic') as string;
  const settings = settingsOf(options);
  const reader = new LineReader(topic, readerProperties(options));
  const client = connectClient({
    bootstrap: settings.get('bootstrap.servers') as string,
    settings,
    clientId: 'console-producer',
  });
  const producer = new Producer(client, createSystemRandom(), producerOptions(options, settings));
  try {
    return await produceLines(reader, producer, options.has('sync'), io);
  } finally {
    client.close();
  }
}

/** Variables of container images from the time of ZooKeeper, when the tools still had `--broker-list`. */
const oldVariables = [
  'KAFKA_ZOOKEEPER_CONNECT',
  'KAFKA_ADVERTISED_HOST_NAME',
  'KAFKA_ADVERTISED_PORT',
  'KAFKA_CREATE_TOPICS',
];

/**
 * Kafka removed `--broker-list` in 4.0, and the parser refuses it. In a container that was started with the variables of an old
 * image, this function replaces it by `--bootstrap-server`.
 */
function withBootstrapServer(args: readonly string[], io: CliIo): readonly string[] {
  const at = args.findIndex((word) => /^--broker-list(=|$)/.test(word));
  const variable = oldVariables.find((name) => io.env[name] !== undefined);
  if (at < 0 || variable === undefined) return args;
  const warning = `Use --bootstrap-server instead of --broker-list, which Apache Kafka 4.0 removed. It is taken here because ${variable} is set.`;
  io.stderr(hintLine('kafka-console-producer', warning));
  return args.with(at, (args[at] as string).replace('--broker-list', '--bootstrap-server'));
}

function readOptions(args: readonly string[]): Options {
  return usageError(table, () => {
    const options = parseOptions(table, args);
    checkRequired(options, 'topic');
    for (const [old, now] of deprecated) {
      if (options.has(old) && options.has(now)) {
        throw new ToolError(`Options --${now} and --${old} cannot be specified together.`);
      }
    }
    if (!options.has('bootstrap-server'))
      throw new ToolError('Error while validating the bootstrap address\n');
    return options;
  });
}

function readerProperties(options: Options): ReadonlyMap<string, string> {
  return clientSettings(options.text('reader-config'), [
    ...options.all('property'),
    ...options.all('reader-property'),
  ]);
}

function settingsOf(options: Options): Map<string, string> {
  const file = options.text('command-config') ?? options.text('producer.config');
  const words = [...options.all('producer-property'), ...options.all('command-property')];
  const settings = clientSettings(file, words);
  settings.set('bootstrap.servers', options.text('bootstrap-server') as string);
  return settings;
}

/**
 * Returns a setting: from the command line if the option was given, otherwise from the properties, otherwise the default of the
 * option.
 */
function setting(
  options: Options,
  settings: ReadonlyMap<string, string>,
  option: string,
  key: string,
): string {
  if (options.has(option)) return options.text(option) as string;
  return settings.get(key) ?? (options.text(option) as string);
}

function producerOptions(options: Options, settings: ReadonlyMap<string, string>) {
  const number = (option: string, key: string): number => Number(setting(options, settings, option, key));
  const codec = options.has('compression-codec')
    ? (options.text('compression-codec') ?? 'gzip')
    : (settings.get('compression.type') ?? 'none');
  if (!compressionTypes.includes(codec as CompressionType)) {
    const known = [...compressionTypes].sort().join(', ');
    throw new ToolError(
      `org.apache.kafka.common.config.ConfigException: Invalid value ${codec} for configuration compression.type: String must be one of: ${known}`,
    );
  }
  const acksText = setting(options, settings, 'request-required-acks', 'acks');
  const acks = acksText === 'all' ? -1 : Number(acksText);
  if (acks !== -1 && acks !== 0 && acks !== 1) {
    throw new ToolError(
      `org.apache.kafka.common.config.ConfigException: Invalid value ${acksText} for configuration acks: String must be one of: all, -1, 0, 1`,
    );
  }
  const isIdempotent = acks === -1 && settings.get('enable.idempotence') !== 'false';
  return {
    acks: acks as -1 | 0 | 1,
    lingerMs: options.has('sync') ? 0 : number('timeout', 'linger.ms'),
    batchBytes: number('max-partition-memory-bytes', 'batch.size'),
    compression: codec as CompressionType,
    isIdempotent,
    requestTimeoutMs: number('request-timeout-ms', 'request.timeout.ms'),
    maxRequestBytes: Number(settings.get('max.request.size') ?? javaMaxRequestBytes),
    maxBlockMs: number('max-block-ms', 'max.block.ms'),
    retries: number('message-send-max-retries', 'retries'),
  };
}

async function produceLines(
  reader: LineReader,
  producer: Producer,
  isSync: boolean,
  io: CliIo,
): Promise<number> {
  const prompt = (): void => {
    if (io.isStdinTerminal) io.stdout('>');
  };
  prompt();
  for await (const line of io.stdinLines()) {
    let record: ProducerRecord;
    try {
      record = reader.read(line);
    } catch (error) {
      await producer.flush();
      throw new ToolError(`org.apache.kafka.common.KafkaException: ${(error as Error).message}`);
    }
    const sent = producer.send(record);
    if (isSync) {
      await sent.catch((error: Error) => {
        throw new ToolError(`java.util.concurrent.ExecutionException: ${javaText(error)}`);
      });
    } else sent.catch((error: Error) => report(record, error, io));
    prompt();
  }
  await producer.flush();
  return 0;
}

function javaText(error: Error): string {
  return error instanceof KafkaError ? exceptionText(error) : `${error.name}: ${error.message}`;
}

/** Prints why a record was not written, as Java's ErrorLoggingCallback. */
function report({ topic, key, value }: ProducerRecord, error: Error, io: CliIo): void {
  const size = (bytes: Uint8Array | null | undefined): string =>
    bytes === null || bytes === undefined ? 'null' : `${bytes.length} bytes`;
  const heading = `Error when sending message to topic ${topic} with key: ${size(key)}, value: ${size(value)} with error:`;
  const time = logTimestamp(systemClock.wallMs());
  io.stderr(
    `[${time}] ERROR ${heading} (org.apache.kafka.clients.producer.internals.ErrorLoggingCallback)\n${javaText(error)}\n`,
  );
}
