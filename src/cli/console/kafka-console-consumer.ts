/**
 * kafka-console-consumer: prints records until it is stopped, has printed the maximum number, received none within the
 * time-out, or meets an error. It then prints their number to standard error. The exit status is 130 after Ctrl-C, and 143
 * after SIGTERM.
 */
import { systemClock, systemScheduler } from '../../adapters/clock.ts';
import { logTimestamp } from '../../adapters/console-logger.ts';
import { createSystemRandom } from '../../adapters/random.ts';
import { sleep, type Timer } from '../../base/clock.ts';
import type { ConsumedRecord } from '../../client/fetcher.ts';
import { NoOffsetError } from '../../client/group-consumer.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { compileJavaPattern } from '../../config/java-pattern.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { fetchOptionsOf, groupOptionsOf } from '../cluster/client-options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import {
  groupSource,
  type OnMissing,
  partitionSource,
  type RecordSource,
  type Selection,
} from './console-source.ts';
import {
  consoleConsumerOptions as table,
  deprecatedConsumerOptions,
  readConsumerOptions,
  startOffset,
} from './kafka-console-consumer-options.ts';
import { printHelpOrVersion, unread } from '../arguments/help-or-version.ts';
import { makeFormatter, type MessageFormatter } from './message-formatter.ts';
import type { Options } from '../arguments/options.ts';
import { optionsHelp } from '../arguments/options-help.ts';
import { exceptionText } from '../text/exception-names.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro = 'This tool helps to read data from Kafka topics and outputs it to standard output.';
const ownGroupPrefix = 'console-consumer-';
const ownGroupNumbers = 100_000;
const pollMaxMs = 100;
const recordsMax = 500;
/** How long the tool waits at its end to leave the group, as Java's consumer. */
const closeTimeoutMs = 30_000;
/** 128 and the number of the signal. */
const statusAfter = { SIGINT: 130, SIGTERM: 143 } as const;
const configException = 'org.apache.kafka.common.config.ConfigException';
const timeoutException = 'org.apache.kafka.common.errors.TimeoutException';
const loggerName = 'org.apache.kafka.tools.consumer.ConsoleConsumer';

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const status = printHelpOrVersion(unread(args), args, intro, table, io);
  if (status !== null) return status;
  const { options, settings, formatter } = prepare(args, io);
  const selection = selectionOf(options);
  const client = connect(options, settings);
  try {
    return await consume(client, { options, settings, formatter, selection }, io);
  } catch (error) {
    throw error instanceof ToolError ? unknownError(error.message) : error;
  } finally {
    client.close();
  }
}

function connect(options: Options, settings: ReadonlyMap<string, string>): KafkaClient {
  const bootstrap = options.text('bootstrap-server') as string;
  try {
    return connectClient({ bootstrap, settings, clientId: 'console-consumer' });
  } catch (error) {
    throw unknownError(
      `org.apache.kafka.common.KafkaException: Failed to construct kafka consumer\nCaused by: ${configException}: ${(error as Error).message}`,
    );
  }
}

function prepare(args: readonly string[], io: CliIo) {
  try {
    const options = readConsumerOptions(args);
    for (const [old, now] of deprecatedConsumerOptions) {
      if (!options.has(old)) continue;
      io.stdout(
        `Option --${old} is deprecated and will be removed in a future version. Use --${now} instead.\n`,
      );
    }
    return { options, settings: settingsOf(options), formatter: formatterOf(options) };
  } catch (error) {
    const isPlain = error instanceof PlainError;
    throw isPlain ? error : new ToolError(`${(error as Error).message}\n${optionsHelp(table)}`);
  }
}

/** An error that Kafka's tool prints without the help. */
class PlainError extends ToolError {}

function settingsOf(options: Options): Map<string, string> {
  const settings = clientSettings(options.text('command-config') ?? options.text('consumer.config'), [
    ...options.all('consumer-property'),
    ...options.all('command-property'),
  ]);
  const reset = settings.get('auto.offset.reset');
  if (options.has('from-beginning') && reset !== undefined && reset !== 'earliest') {
    throw new PlainError(
      `Can't simultaneously specify --from-beginning and 'auto.offset.reset=${reset}', please remove one option`,
    );
  }
  if (options.has('from-beginning')) settings.set('auto.offset.reset', 'earliest');
  const [given, configured] = [options.text('group'), settings.get('group.id')];
  if (given !== null && configured !== undefined && given !== configured) {
    throw new ToolError(
      "The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer.config') " +
        `do not match. Detected group ids: '${configured}', '${given}'`,
    );
  }
  if (given !== null) settings.set('group.id', given);
  if (!settings.has('group.id')) nameOwnGroup(settings);
  const isolation = options.text('isolation-level') as string;
  if (isolation !== 'read_committed' && isolation !== 'read_uncommitted') {
    throw unknownError(
      `${configException}: Invalid value ${isolation} for configuration isolation.level: String must be one of: read_committed, read_uncommitted`,
    );
  }
  settings.set('isolation.level', isolation);
  return settings;
}

/** Without a given group the tool is the only member of a new one, as in Kafka, and leaves no offsets behind. */
function nameOwnGroup(settings: Map<string, string>): void {
  settings.set('group.id', `${ownGroupPrefix}${createSystemRandom().u32() % ownGroupNumbers}`);
  if (!settings.has('enable.auto.commit')) settings.set('enable.auto.commit', 'false');
}

function formatterOf(options: Options): MessageFormatter {
  const properties = clientSettings(options.text('formatter-config'), [
    ...options.all('property'),
    ...options.all('formatter-property'),
  ]) as Map<string, string>;
  const [key, value] = [options.text('key-deserializer'), options.text('value-deserializer')];
  if (key !== null) properties.set('key.deserializer', key);
  if (value !== null) properties.set('value.deserializer', value);
  return makeFormatter(options.text('formatter') as string, properties);
}

/** Returns the topics to read. Throws as Java's consumer does when it subscribes. */
function selectionOf(options: Options): Selection {
  const topic = options.text('topic');
  if (topic === '')
    throw subscribeError('Topic collection to subscribe to cannot contain null or empty topic');
  if (topic !== null) return { topic };
  const include = options.text('include') as string;
  if (include === '') throw subscribeError('Topic pattern to subscribe to cannot be empty');
  try {
    return { pattern: compileJavaPattern(include) };
  } catch (error) {
    throw unknownError(`java.util.regex.PatternSyntaxException: ${(error as Error).message}`);
  }
}

function subscribeError(message: string): ToolError {
  return unknownError(`java.lang.IllegalArgumentException: ${message}`);
}

function unknownError(text: string): PlainError {
  const time = logTimestamp(systemClock.wallMs());
  return new PlainError(`[${time}] ERROR Unknown error when running consumer:  (${loggerName})\n${text}`);
}

interface Plan {
  readonly options: Options;
  readonly settings: ReadonlyMap<string, string>;
  readonly formatter: MessageFormatter;
  readonly selection: Selection;
}

function sourceOf(client: KafkaClient, { options, settings, selection }: Plan, io: CliIo): RecordSource {
  const fetch = fetchOptionsOf(settings);
  // Also for a partition the settings of a group must be valid, as in Kafka's tool.
  groupOptionsOf(settings);
  const partition = options.number('partition');
  if ('topic' in selection && partition !== null) {
    return partitionSource(client, selection.topic, partition, startOffset(options), fetch);
  }
  const groupId = settings.get('group.id') as string;
  return groupSource(client, selection, settings, groupId, fetch, warnOfMissing(groupId, io));
}

/**
 * Returns a function that prints a warning that a topic does not exist, but only at its first call. The tool waits for the
 * topic.
 */
function warnOfMissing(groupId: string, io: CliIo): OnMissing {
  let isSaid = false;
  return (topic) => {
    if (isSaid) return;
    isSaid = true;
    const time = logTimestamp(systemClock.wallMs());
    io.stderr(
      `[${time}] WARN [Consumer clientId=console-consumer, groupId=${groupId}] The metadata response from the cluster reported a recoverable issue: {${topic}=UNKNOWN_TOPIC_OR_PARTITION} (org.apache.kafka.clients.NetworkClient)\n`,
    );
  };
}

async function consume(client: KafkaClient, plan: Plan, io: CliIo): Promise<number> {
  const { options, formatter } = plan;
  let interrupt: (records: null) => void = () => {};
  const interrupted = new Promise<null>((resolve) => {
    interrupt = resolve;
  });
  let interruptedStatus = 0;
  const unlisten = io.onSignal((signal) => {
    interruptedStatus = statusAfter[signal];
    interrupt(null);
  });
  const limit = options.number('max-messages') ?? Number.POSITIVE_INFINITY;
  const timeoutMs = options.number('timeout-ms');
  const source = sourceOf(client, plan, io);
  let count = 0;
  let status = 0;
  try {
    while (count < limit && status === 0) {
      const records = await nextRecords(source, Math.min(recordsMax, limit - count), timeoutMs, interrupted);
      if (records === null) status = interruptedStatus;
      for (const record of records ?? []) {
        if (print(record, formatter, options, io)) count++;
        else {
          status = 1;
          break;
        }
      }
    }
  } catch (error) {
    // As in Kafka's tool, an error of the consumer ends the tool with status 0.
    logError(io, consumerException(error));
  }
  await Promise.race([source.close().catch(() => {}), sleep(systemScheduler, closeTimeoutMs)]);
  unlisten();
  io.stderr(`Processed a total of ${count} messages\n`);
  return status;
}

function consumerException(error: unknown): string {
  if (error instanceof KafkaError) return exceptionText(error);
  const { message } = error as Error;
  if (!(error instanceof NoOffsetError)) return message;
  return `org.apache.kafka.clients.consumer.NoOffsetForPartitionException: ${message}`;
}

/** Returns the next records, or null after a signal. Throws Kafka's TimeoutException when there are none for `timeoutMs`. */
async function nextRecords(
  source: RecordSource,
  count: number,
  timeoutMs: number | null,
  interrupted: Promise<null>,
): Promise<readonly ConsumedRecord[] | null> {
  let timer: Timer | null = null;
  let isOver = false;
  const timedOut = new Promise<null>((resolve) => {
    if (timeoutMs === null) return;
    timer = systemScheduler.after(timeoutMs, () => {
      isOver = true;
      resolve(null);
    });
  });
  try {
    for (;;) {
      const records = await Promise.race([source.poll(pollMaxMs, count), interrupted, timedOut]);
      if (isOver && (records ?? []).length === 0) throw new Error(timeoutException);
      if (records === null || records.length > 0) return records;
    }
  } finally {
    (timer as Timer | null)?.cancel();
  }
}

/** Prints a record. Returns false when it cannot be printed and the tool must end. */
function print(record: ConsumedRecord, formatter: MessageFormatter, options: Options, io: CliIo): boolean {
  try {
    io.stdout(formatter.format(record));
    return true;
  } catch (error) {
    logError(io, `org.apache.kafka.common.errors.SerializationException: ${(error as Error).message}`);
    return options.has('skip-message-on-error');
  }
}

function logError(io: CliIo, text: string): void {
  const time = logTimestamp(systemClock.wallMs());
  io.stderr(
    `[${time}] ERROR Error processing message, terminating consumer process:  (${loggerName})\n${text}\n`,
  );
}
