/**
 * kafka-console-consumer: prints records until it is stopped, has printed the maximum number, or received none within the
 * time-out. It then prints their number to standard error. After Ctrl-C the exit status is 130.
 */
import { systemClock } from '../../adapters/clock.ts';
import { logTimestamp } from '../../adapters/console-logger.ts';
import type { ConsumedRecord, FetcherOptions } from '../../client/fetcher.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { compileJavaPattern } from '../../config/java-pattern.ts';
import { metadataMaxAgeMsOf } from '../cluster/client-options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import {
  groupSource,
  partitionSource,
  type RecordSource,
  type Selection,
  topicSource,
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
import { type CliIo, ToolError } from '../tool.ts';

const intro = 'This tool helps to read data from Kafka topics and outputs it to standard output.';
const pollMaxMs = 100;
const recordsMax = 500;

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const status = printHelpOrVersion(unread(args), args, intro, table, io);
  if (status !== null) return status;
  const { options, settings, formatter } = prepare(args, io);
  const selection = selectionOf(options);
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') as string,
    settings,
    clientId: 'console-consumer',
  });
  try {
    return await consume(client, { options, settings, formatter, selection }, io);
  } finally {
    client.close();
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
  const isolation = options.text('isolation-level') as string;
  if (isolation !== 'read_committed' && isolation !== 'read_uncommitted') {
    throw new PlainError(
      `org.apache.kafka.common.config.ConfigException: Invalid value ${isolation} for configuration isolation.level: String must be one of: read_committed, read_uncommitted`,
    );
  }
  return settings;
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

function unknownError(text: string): ToolError {
  const time = logTimestamp(systemClock.wallMs());
  return new ToolError(
    `[${time}] ERROR Unknown error when running consumer:  (org.apache.kafka.tools.consumer.ConsoleConsumer)\n${text}`,
  );
}

function sourceOf(
  client: KafkaClient,
  { options, settings, selection }: Plan,
): Promise<RecordSource> | RecordSource {
  const reset = settings.get('auto.offset.reset') === 'earliest' ? 'earliest' : 'latest';
  const fetch: Partial<FetcherOptions> = {
    isReadCommitted: options.text('isolation-level') === 'read_committed',
    reset,
    fetchMinBytes: Number(settings.get('fetch.min.bytes') ?? 1),
  };
  const partition = options.number('partition');
  if ('topic' in selection && partition !== null) {
    return partitionSource(client, selection.topic, partition, startOffset(options), fetch);
  }
  const groupId = settings.get('group.id');
  return groupId === undefined
    ? topicSource(client, selection, fetch, metadataMaxAgeMsOf(settings))
    : groupSource(client, selection, settings, groupId, fetch);
}

interface Plan {
  readonly options: Options;
  readonly settings: ReadonlyMap<string, string>;
  readonly formatter: MessageFormatter;
  readonly selection: Selection;
}

async function consume(client: KafkaClient, plan: Plan, io: CliIo): Promise<number> {
  const { options, formatter } = plan;
  let stopped = false;
  let wake: () => void = () => {};
  const interrupted = new Promise<ConsumedRecord[]>((resolve) => {
    wake = (): void => resolve([]);
  });
  const unlisten = io.onSignal(() => {
    stopped = true;
    wake();
  });
  const limit = options.number('max-messages') ?? Number.POSITIVE_INFINITY;
  const timeoutMs = options.number('timeout-ms') ?? Number.POSITIVE_INFINITY;
  let count = 0;
  let status = 0;
  const source = await sourceOf(client, plan);
  let heardMs = systemClock.monotonicMs();
  while (!stopped && count < limit) {
    const records = await Promise.race([
      source.poll(pollMaxMs, Math.min(recordsMax, limit - count)),
      interrupted,
    ]);
    for (const record of records) {
      if (!print(record, formatter, options, io)) {
        status = 1;
        stopped = true;
        break;
      }
      count++;
    }
    if (records.length > 0) heardMs = systemClock.monotonicMs();
    else if (systemClock.monotonicMs() - heardMs > timeoutMs) {
      logError(io, 'org.apache.kafka.common.errors.TimeoutException');
      break;
    }
  }
  await source.close();
  unlisten();
  io.stderr(`Processed a total of ${count} messages\n`);
  return stopped && status === 0 ? 130 : status;
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
  io.stderr(`[${time}] ERROR Error processing message, terminating consumer process:\n${text}\n`);
}
