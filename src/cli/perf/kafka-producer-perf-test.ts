/** kafka-producer-perf-test: sends records as fast as it can or at a given rate, and prints throughput and latencies. */
import { systemClock } from '../../adapters/clock.ts';
import { createSystemRandom } from '../../adapters/random.ts';
import { randomUuid } from '../../base/uuid.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Producer } from '../../client/producer.ts';
import { Transaction } from '../../client/transaction.ts';
import { parseFlat, type FlatParser, type Parsed } from '../arguments/argparse.ts';
import { producerOptionsOf } from '../cluster/client-options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { LatencyStats } from './latency-stats.ts';
import { growingNumbers, type Payloads, piecesOfFile, randomLetters } from './payloads.ts';
import { Throttle } from './throttle.ts';
import { withHelpFirst } from './verifiable.ts';

const payloadNote =
  'Note that you must provide exactly one of --record-size, --payload-file or --payload-monotonic.';
const property = { metavar: 'PROP-NAME=PROP-VALUE', kind: 'words' } as const;
const payload = { group: 'payload', section: '' } as const;

const parser: FlatParser = {
  prog: 'kafka-producer-perf-test',
  description:
    'This tool is used to verify the producer performance. To enable transactions, you can specify a transactional id or set a transaction duration using --transaction-duration-ms. There are three ways to specify the transactional id: set transactional.id=<id> via --command-property, set transactional.id=<id> in the config file via --command-config, or use --transactional-id <id>.',
  requiredGroups: ['payload'],
  sectionNotes: { '': payloadNote },
  arguments: [
    {
      flags: ['--bootstrap-server'],
      metavar: 'BOOTSTRAP-SERVER',
      help: 'The server(s) to connect to. This config takes precedence over bootstrap.servers specified via --command-property or --command-config.',
    },
    { flags: ['--topic'], isRequired: true, help: 'Produce records to this topic.' },
    {
      flags: ['--num-records'],
      metavar: 'NUM-RECORDS',
      isRequired: true,
      integer: 'Integer',
      help: 'Number of records to produce.',
    },
    {
      flags: ['--payload-delimiter'],
      metavar: 'PAYLOAD-DELIMITER',
      default: '\\n',
      help: 'Provides the delimiter to be used when --payload-file is provided. Defaults to new line. Note that this parameter will be ignored if --payload-file is not provided.',
    },
    {
      flags: ['--throughput'],
      isRequired: true,
      help: 'Throttle maximum record throughput to *approximately* THROUGHPUT records/sec. Set this to -1 to disable throttling.',
    },
    {
      flags: ['--producer-props'],
      ...property,
      help: '(DEPRECATED) Kafka producer related configuration properties like client.id. These configs take precedence over those passed via --command-config or --producer.config. This option will be removed in a future version. Use --command-property instead. Example: --command-property linger.ms=10 batch.size=32768',
    },
    {
      flags: ['--command-property'],
      ...property,
      help: 'Kafka producer related configuration properties like client.id. These configs take precedence over those passed via --command-config or --producer.config. Example: --command-property linger.ms=10 batch.size=32768',
    },
    {
      flags: ['--producer.config'],
      metavar: 'CONFIG-FILE',
      help: '(DEPRECATED) Producer config properties file. This option will be removed in a future version. Use --command-config instead.',
    },
    {
      flags: ['--command-config'],
      metavar: 'CONFIG-FILE',
      help: 'Producer config properties file.',
    },
    {
      flags: ['--print-metrics'],
      kind: 'flag',
      default: 'false',
      help: 'Print out metrics at the end of the test.',
    },
    {
      flags: ['--transactional-id'],
      metavar: 'TRANSACTIONAL-ID',
      help: 'The transactional id to use. This config takes precedence over the transactional.id specified via --command-property or --command-config. Note that if the transactional id is not specified while --transaction-duration-ms is provided, the default value for the transactional id will be performance-producer- followed by a random uuid.',
    },
    {
      flags: ['--transaction-duration-ms'],
      metavar: 'TRANSACTION-DURATION',
      integer: 'Integer',
      help: 'The maximum duration of each transaction. The commitTransaction will be called after this time has elapsed. The value should be greater than 0. If the transactional id is specified via --command-property, --command-config or --transactional-id but --transaction-duration-ms is not specified, the default value will be 3000.',
    },
    {
      flags: ['--warmup-records'],
      metavar: 'WARMUP-RECORDS',
      integer: 'Integer',
      default: '0',
      help: 'The number of records to treat as warmup. These initial records will not be included in steady-state statistics. An additional summary line will be printed describing the steady-state statistics.',
    },
    {
      flags: ['--reporting-interval'],
      metavar: 'INTERVAL-MS',
      integer: 'Integer',
      default: '5000',
      help: 'Interval in milliseconds at which to print progress info.',
    },
    {
      flags: ['--record-size'],
      metavar: 'RECORD-SIZE',
      integer: 'Integer',
      ...payload,
      help: `Record size in bytes. ${payloadNote}`,
    },
    {
      flags: ['--payload-file'],
      metavar: 'PAYLOAD-FILE',
      ...payload,
      help: `File to read the record payloads from. This works only for UTF-8 encoded text files. Payloads will be read from this file and a payload will be randomly selected when sending records. ${payloadNote}`,
    },
    {
      flags: ['--payload-monotonic'],
      kind: 'flag',
      default: 'false',
      ...payload,
      help: `Payload is a monotonically increasing integer. ${payloadNote}`,
    },
  ],
};

/** The sender waits while this many bytes are not acknowledged, as with the default of Java's `buffer.memory`. */
const unacknowledgedBytesMax = 33_554_432;

export function main(args: readonly string[], io: CliIo): Promise<number> {
  return withHelpFirst(args, io, (words) => run(parseFlat(parser, words), io));
}

function settingsOf(options: Parsed): ReadonlyMap<string, string> {
  const words = [...options.all('producer-props'), ...options.all('command-property')];
  const settings = clientSettings(options.text('command-config') ?? options.text('producer.config'), words);
  const server = options.text('bootstrap-server');
  if (server !== null) settings.set('bootstrap.servers', server);
  if (!settings.has('bootstrap.servers')) {
    throw new ToolError(
      'At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be specified.',
    );
  }
  return settings;
}

const transactionMsDefault = '3000';

/** Returns the transaction to use, and how long each one lasts; null when the options ask for none. */
function transactionsOf(
  client: KafkaClient,
  settings: ReadonlyMap<string, string>,
  options: Parsed,
): Transactions | null {
  const id = options.text('transactional-id') ?? settings.get('transactional.id') ?? null;
  if (id === null && !options.has('transaction-duration-ms')) return null;
  const durationMs = Number(options.text('transaction-duration-ms') ?? transactionMsDefault);
  if (durationMs <= 0) throw new ToolError('--transaction-duration-ms should be greater than zero.');
  const transaction = new Transaction(client, {
    transactionalId: id ?? `performance-producer-${randomUuid(createSystemRandom())}`,
    timeoutMs: Number(settings.get('transaction.timeout.ms') ?? 60_000),
    maxBlockMs: producerOptionsOf(settings).maxBlockMs,
  });
  return { transaction, durationMs };
}

interface Transactions {
  readonly transaction: Transaction;
  readonly durationMs: number;
}

function payloadsOf(options: Parsed, io: CliIo): Payloads {
  const random = createSystemRandom();
  const file = options.text('payload-file');
  if (file !== null) return piecesOfFile(file, options.text('payload-delimiter') as string, random, io);
  if (options.has('payload-monotonic')) return growingNumbers();
  const sizeBytes = Number(options.text('record-size'));
  if (sizeBytes < 0) throw new ToolError('--record-size should be greater than or equal to zero.');
  return randomLetters(sizeBytes, random);
}

async function run(options: Parsed, io: CliIo): Promise<number> {
  const settings = settingsOf(options);
  const throughput = Number(options.text('throughput'));
  if (Number.isNaN(throughput)) {
    throw new ToolError(
      `kafka-producer-perf-test: error: argument --throughput: could not convert '${options.text('throughput')}' to Double`,
    );
  }
  const payloads = payloadsOf(options, io);
  const client = connectClient({
    bootstrap: settings.get('bootstrap.servers') as string,
    settings,
    clientId: 'perf-producer-client',
  });
  try {
    const transactions = transactionsOf(client, settings, options);
    await transactions?.transaction.initialize();
    const producer = new Producer(client, createSystemRandom(), {
      ...producerOptionsOf(settings),
      transaction: transactions?.transaction ?? null,
    });
    await new Run(producer, transactions, options, payloads, io).send(throughput);
    return 0;
  } finally {
    client.close();
  }
}

class Run {
  readonly #producer: Producer;
  readonly #transactions: Transactions | null;
  readonly #payloads: Payloads;
  readonly #io: CliIo;
  readonly #topic: string;
  readonly #recordCount: number;
  readonly #warmupCount: number;
  readonly #intervalMs: number;
  #stats: LatencyStats;
  #steady: LatencyStats | null = null;
  #unacknowledgedBytes = 0;
  #wake: () => void = () => {};

  constructor(
    producer: Producer,
    transactions: Transactions | null,
    options: Parsed,
    payloads: Payloads,
    io: CliIo,
  ) {
    this.#producer = producer;
    this.#transactions = transactions;
    this.#payloads = payloads;
    this.#io = io;
    this.#topic = options.text('topic') as string;
    this.#recordCount = Number(options.text('num-records'));
    this.#warmupCount = Number(options.text('warmup-records'));
    this.#intervalMs = Number(options.text('reporting-interval'));
    this.#stats = new LatencyStats(this.#recordCount, systemClock.monotonicMs());
  }

  async send(throughput: number): Promise<void> {
    if (this.#warmupCount > 0) {
      this.#io.stdout(
        `Warmup first ${this.#warmupCount} records. Steady state results will print after the complete test summary.\n`,
      );
    }
    const startMs = systemClock.monotonicMs();
    this.#stats = new LatencyStats(this.#recordCount, startMs);
    const throttle = new Throttle(throughput, startMs);
    let transactionMs = startMs;
    for (let index = 0; index < this.#recordCount; index++) {
      if (this.#warmupCount > 0 && index === this.#warmupCount) {
        const count = this.#recordCount - this.#warmupCount;
        this.#steady = new LatencyStats(count, systemClock.monotonicMs(), ' steady state');
      }
      this.#sendOne(this.#payloads(index));
      if (this.#unacknowledgedBytes >= unacknowledgedBytesMax) await this.#acknowledged();
      await throttle.wait(index + 1);
      const nowMs = systemClock.monotonicMs();
      if (this.#transactions !== null && nowMs - transactionMs >= this.#transactions.durationMs) {
        await this.#commit();
        transactionMs = nowMs;
      }
    }
    await this.#commit();
    this.#io.stdout(this.#stats.totalLine());
    if (this.#steady !== null) this.#io.stdout(this.#steady.totalLine());
  }

  /** Waits until all records are acknowledged, then commits the transaction if there is one. */
  async #commit(): Promise<void> {
    await this.#producer.flush();
    await this.#transactions?.transaction.end(true);
  }

  #sendOne(value: Uint8Array): void {
    const sentMs = systemClock.monotonicMs();
    const steady = this.#steady;
    this.#unacknowledgedBytes += value.length;
    const settled = (): void => {
      this.#unacknowledgedBytes -= value.length;
      if (this.#unacknowledgedBytes < unacknowledgedBytesMax) this.#wake();
    };
    this.#producer.send({ topic: this.#topic, value }).then(
      () => {
        settled();
        this.#count(systemClock.monotonicMs() - sentMs, value.length, steady);
      },
      (error: Error) => {
        settled();
        this.#io.stderr(`${error.name}: ${error.message}\n`);
      },
    );
  }

  #count(latencyMs: number, bytes: number, steady: LatencyStats | null): void {
    this.#stats.add(latencyMs, bytes);
    steady?.add(latencyMs, bytes);
    const line = (steady ?? this.#stats).windowLine(this.#intervalMs);
    if (line !== null) this.#io.stdout(line);
  }

  #acknowledged(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
