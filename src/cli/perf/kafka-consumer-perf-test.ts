/** kafka-consumer-perf-test: reads records as fast as it can and prints the throughput. */
import { systemClock } from '../../adapters/clock.ts';
import { createSystemRandom } from '../../adapters/random.ts';
import { below } from '../../base/random.ts';
import { GroupConsumer } from '../../client/group-consumer.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import type { Subscription } from '../../client/subscribed-topics.ts';
import { compileJavaPattern } from '../../config/java-pattern.ts';
import { printHelpOrVersion, unread, usageError } from '../arguments/help-or-version.ts';
import {
  bracketed,
  checkRequired,
  type Options,
  type OptionTable,
  parseOptions,
} from '../arguments/options.ts';
import { fetchOptionsOf, groupOptionsOf } from '../cluster/client-options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { simpleDateFormat } from '../text/java-time.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro = 'This tool is used to verify the consumer performance.';

const table: OptionTable = {
  'bootstrap-server': {
    argument: 'server to connect to',
    help: 'REQUIRED: The server(s) to connect to.',
  },
  'command-config': { argument: 'config file', help: 'Config properties file.' },
  'command-property': {
    argument: 'prop1=val1',
    help: 'Kafka consumer related configuration properties like client.id. These configs take precedence over those passed via --command-config or --consumer.config.',
  },
  'consumer.config': {
    argument: 'config file',
    help: '(DEPRECATED) Consumer config properties file. This option will be removed in a future version. Use --command-config instead.',
  },
  'date-format': {
    argument: 'date format',
    default: 'yyyy-MM-dd HH:mm:ss:SSS',
    help: 'The date format to use for formatting the time field. See java.text.SimpleDateFormat for options.',
  },
  'fetch-size': {
    argument: 'size',
    type: 'Integer',
    default: '1048576',
    help: 'The maximum amount of data to fetch from a single partition per request.',
  },
  'from-latest': {
    help: 'If the consumer does not already have an established offset to consume from, start with the latest record present in the log rather than the earliest record.',
  },
  group: {
    argument: 'gid',
    default: `perf-consumer-${below(createSystemRandom(), 100_000)}`,
    help: 'The group id to consume on.',
  },
  help: { help: 'Print usage information.' },
  'hide-header': { help: 'If set, skips printing the header for the stats.' },
  include: {
    argument: 'Java regex (String)',
    help: 'Regular expression specifying list of topics to include for consumption.',
  },
  messages: {
    argument: 'count',
    type: 'Long',
    help: '(DEPRECATED) The number of records to consume. This option will be removed in a future version. Use --num-records instead.',
  },
  'num-records': {
    argument: 'count',
    type: 'Long',
    help: 'REQUIRED: The number of records to consume.',
  },
  'print-metrics': { help: 'Print out the metrics.' },
  'reporting-interval': {
    argument: 'interval_ms',
    type: 'Long',
    default: '5000',
    help: 'Interval in milliseconds at which to print progress info.',
  },
  'show-detailed-stats': {
    help: 'If set, stats are reported for each reporting interval as configured by reporting-interval.',
  },
  'socket-buffer-size': {
    argument: 'size',
    type: 'Integer',
    default: '2097152',
    help: 'The size of the tcp RECV size.',
  },
  timeout: {
    argument: 'milliseconds',
    type: 'Long',
    isOptional: true,
    default: '10000',
    help: 'The maximum allowed time in milliseconds between returned records.',
  },
  topic: { argument: 'topic', help: 'The topic to consume from.' },
  version: { help: 'Display Kafka version.' },
};

const pollMaxMs = 100;
const bytesPerMebibyte = 1024 * 1024;

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const status = printHelpOrVersion(unread(args), args, intro, table, io);
  if (status !== null) return status;
  const options = readOptions(args);
  if (options.has('messages')) {
    io.stdout('Warning: --messages is deprecated. Use --num-records instead.\n');
  }
  const settings = settingsOf(options);
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') as string,
    settings,
    clientId: 'perf-consumer-client',
  });
  try {
    await consume(client, options, settings, io);
    return 0;
  } finally {
    client.close();
  }
}

function exactlyOne(options: Options, ...names: string[]): void {
  if (names.filter((name) => options.has(name)).length === 1) return;
  throw new ToolError(`Exactly one of the following arguments is required: ${bracketed([...names].sort())}`);
}

function readOptions(args: readonly string[]): Options {
  return usageError(table, () => {
    const options = parseOptions(table, args);
    checkRequired(options, 'bootstrap-server');
    exactlyOne(options, 'topic', 'include');
    exactlyOne(options, 'num-records', 'messages');
    return options;
  });
}

function settingsOf(options: Options): Map<string, string> {
  const settings = clientSettings(
    options.text('command-config') ?? options.text('consumer.config'),
    options.all('command-property'),
  );
  settings.set('group.id', options.text('group') as string);
  settings.set('max.partition.fetch.bytes', options.text('fetch-size') as string);
  settings.set('auto.offset.reset', options.has('from-latest') ? 'latest' : 'earliest');
  return settings;
}

function subscriptionOf(options: Options): Subscription {
  const topic = options.text('topic');
  if (topic !== null) return [topic];
  try {
    return compileJavaPattern(options.text('include') as string);
  } catch (error) {
    throw new ToolError((error as Error).message);
  }
}

/** The counts at some moment. Throughput is computed from two of these. */
interface Reading {
  readonly atMs: number;
  readonly records: number;
  readonly bytes: number;
}

async function consume(
  client: KafkaClient,
  options: Options,
  settings: ReadonlyMap<string, string>,
  io: CliIo,
): Promise<void> {
  const report = new Report(options, io);
  let joinStartMs = systemClock.monotonicMs();
  const consumer = new GroupConsumer(client, subscriptionOf(options), {
    group: groupOptionsOf(settings),
    fetch: fetchOptionsOf(settings),
    autoCommitIntervalMs: null,
    onRebalance: () => {
      joinStartMs = systemClock.monotonicMs();
    },
    onAssigned: () => report.joined(systemClock.monotonicMs() - joinStartMs),
  });
  const limit = options.number('num-records') ?? (options.number('messages') as number);
  const timeoutMs = options.number('timeout') as number;
  let heardMs = systemClock.monotonicMs();
  while (report.records < limit) {
    const records = await consumer.poll(pollMaxMs);
    const nowMs = systemClock.monotonicMs();
    if (records.length > 0) heardMs = nowMs;
    else if (nowMs - heardMs > timeoutMs) {
      io.stdout(
        `WARNING: Exiting before consuming the expected number of records: timeout (${timeoutMs} ms) exceeded. You can use the --timeout option to increase the timeout.\n`,
      );
      break;
    }
    for (const { key, value } of records) report.add((key?.length ?? 0) + (value?.length ?? 0));
    report.progress();
  }
  report.end();
  await consumer.commit().catch(() => {});
  await consumer.close();
}

class Report {
  readonly #io: CliIo;
  readonly #isDetailed: boolean;
  readonly #intervalMs: number;
  readonly #dateText: (ms: number) => string;
  readonly #start: Reading;
  #last: Reading;
  #bytes = 0;
  #joinMs = 0;
  #joinInIntervalMs = 0;
  records = 0;

  constructor(options: Options, io: CliIo) {
    this.#io = io;
    this.#isDetailed = options.has('show-detailed-stats');
    this.#intervalMs = options.number('reporting-interval') as number;
    const format = options.text('date-format') as string;
    this.#dateText = (ms) => simpleDateFormat(format, ms);
    this.#start = { atMs: systemClock.wallMs(), records: 0, bytes: 0 };
    this.#last = this.#start;
    if (options.has('hide-header')) return;
    const begin = this.#isDetailed ? 'time, threadId' : 'start.time, end.time';
    io.stdout(
      `${begin}, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n`,
    );
  }

  joined(durationMs: number): void {
    this.#joinMs += durationMs;
    this.#joinInIntervalMs += durationMs;
  }

  add(bytes: number): void {
    this.records++;
    this.#bytes += bytes;
  }

  /** Prints one line for each interval, if details were asked for. */
  progress(): void {
    const nowMs = systemClock.wallMs();
    if (!this.#isDetailed || nowMs - this.#last.atMs < this.#intervalMs) return;
    const since = this.#last;
    const fetchMs = nowMs - since.atMs - this.#joinInIntervalMs;
    this.#io.stdout(
      `${this.#dateText(nowMs)}, 0, ${this.#figures(since, nowMs, this.#joinInIntervalMs, fetchMs)}\n`,
    );
    this.#last = { atMs: nowMs, records: this.records, bytes: this.#bytes };
    this.#joinInIntervalMs = 0;
  }

  /** Prints the line for the whole run, unless details were asked for. */
  end(): void {
    if (this.#isDetailed) return;
    const nowMs = systemClock.wallMs();
    const fetchMs = nowMs - this.#start.atMs - this.#joinMs;
    this.#io.stdout(
      `${this.#dateText(this.#start.atMs)}, ${this.#dateText(nowMs)}, ${this.#figures(this.#start, nowMs, this.#joinMs, fetchMs)}\n`,
    );
  }

  #figures(since: Reading, nowMs: number, joinMs: number, fetchMs: number): string {
    const seconds = (nowMs - since.atMs) / 1000;
    const mebibytes = (this.#bytes - since.bytes) / bytesPerMebibyte;
    const records = this.records - since.records;
    return [
      (this.#bytes / bytesPerMebibyte).toFixed(4),
      (mebibytes / seconds).toFixed(4),
      this.records,
      (records / seconds).toFixed(4),
      Math.round(joinMs),
      Math.round(fetchMs),
      (mebibytes / (fetchMs / 1000)).toFixed(4),
      (records / (fetchMs / 1000)).toFixed(4),
    ].join(', ');
  }
}
