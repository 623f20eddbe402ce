/**
 * kafka-verifiable-producer: sends increasing numbers as records, and prints for each whether it was written, as one line of
 * JSON.
 */
import { systemClock } from '../../adapters/clock.ts';
import { createSystemRandom } from '../../adapters/random.ts';
import { Producer, type RecordMetadata } from '../../client/producer.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { parseFlat, type FlatParser, type Parsed } from '../arguments/argparse.ts';
import { producerOptionsOf } from '../cluster/client-options.ts';
import { connectClient } from '../cluster/connect.ts';
import { exceptionName } from '../text/exception-names.ts';
import type { CliIo } from '../tool.ts';
import { Throttle } from './throttle.ts';
import { connectionSection, event, toolSettings, withHelpFirst } from './verifiable.ts';

const parser: FlatParser = {
  prog: 'verifiable-producer',
  description:
    'This tool produces increasing integers to the specified topic and prints JSON metadata to stdout on each "send" request, making externally visible which messages have been acked and which have not.',
  sectionNotes: connectionSection.notes,
  arguments: [
    { flags: ['--topic'], isRequired: true, help: 'Produce messages to this topic.' },
    {
      flags: ['--max-messages'],
      metavar: 'MAX-MESSAGES',
      integer: 'Integer',
      default: '-1',
      help: 'Produce this many messages. If -1, produce messages until the process is killed externally.',
    },
    {
      flags: ['--throughput'],
      integer: 'Integer',
      default: '-1',
      help: 'If set >= 0, throttle maximum message throughput to *approximately* THROUGHPUT messages/sec.',
    },
    {
      flags: ['--acks'],
      integer: 'Integer',
      default: '-1',
      help: 'Acks required on each produced message. See Kafka docs on acks for details.',
    },
    {
      flags: ['--producer.config'],
      metavar: 'CONFIG-FILE',
      help: '(DEPRECATED) Producer config properties file. This option will be removed in a future version. Use --command-config instead.',
    },
    {
      flags: ['--message-create-time'],
      metavar: 'CREATE-TIME',
      integer: 'Integer',
      default: '-1',
      help: 'Send messages with creation time starting at the arguments value, in milliseconds since epoch',
    },
    {
      flags: ['--value-prefix'],
      metavar: 'VALUE-PREFIX',
      integer: 'Integer',
      help: 'If specified, each produced value will have this prefix with a dot separator',
    },
    {
      flags: ['--repeating-keys'],
      metavar: 'REPEATING-KEYS',
      integer: 'Integer',
      help: 'If specified, each produced record will have a key starting at 0 increment by 1 up to the number specified (exclusive), then the key is set to 0 again',
    },
    {
      flags: ['--command-config'],
      metavar: 'CONFIG-FILE',
      help: 'Config properties file (config options shared with command line parameters will be overridden).',
    },
    {
      ...connectionSection.bootstrapServer,
      help: 'REQUIRED: The server(s) to connect to. Comma-separated list of Kafka brokers in the form HOST1:PORT1,HOST2:PORT2,...',
    },
  ],
};

/** The most records that may be unacknowledged at a time. */
const pendingMax = 10_000;

export function main(args: readonly string[], io: CliIo): Promise<number> {
  return withHelpFirst(args, io, (words) => run(parseFlat(parser, words), io));
}

async function run(options: Parsed, io: CliIo): Promise<number> {
  const settings = toolSettings(options, 'producer.config', io);
  settings.set('acks', options.text('acks') as string);
  settings.set('retries', '0');
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') as string,
    settings,
    clientId: 'verifiable-producer',
  });
  const producer = new Producer(client, createSystemRandom(), producerOptionsOf(settings));
  let isStopped = false;
  const unlisten = io.onSignal(() => {
    isStopped = true;
  });
  try {
    await sendAll(producer, options, io, () => isStopped);
    return 0;
  } finally {
    unlisten();
    client.close();
  }
}

/** Returns the record with this number. Its value, key and timestamp depend on the number. */
function recordOf(options: Parsed, index: number) {
  const number = (name: string): number | null => (options.has(name) ? Number(options.text(name)) : null);
  const prefix = number('value-prefix');
  const keys = number('repeating-keys');
  const createdMs = number('message-create-time');
  return {
    topic: options.text('topic') as string,
    key: keys === null ? null : String(index % keys),
    value: prefix === null ? String(index) : `${prefix}.${index}`,
    // The timestamp is the given one plus the time since the start of the tool.
    createdMs,
  };
}

async function sendAll(
  producer: Producer,
  options: Parsed,
  io: CliIo,
  isStopped: () => boolean,
): Promise<void> {
  const startMs = systemClock.monotonicMs();
  const limit = Number(options.text('max-messages'));
  const throughput = Number(options.text('throughput'));
  const throttle = new Throttle(throughput, startMs);
  let sent = 0;
  let acked = 0;
  let pending = 0;
  io.stdout(event('startup_complete', {}));
  while (!isStopped() && (limit < 0 || sent < limit)) {
    const { topic, key, value, createdMs } = recordOf(options, sent);
    const elapsedMs = Math.floor(systemClock.monotonicMs() - startMs);
    const record = { topic, key: key === null ? null : Buffer.from(key), value: Buffer.from(value) };
    sent++;
    pending++;
    const settled = producer
      .send(createdMs === null ? record : { ...record, timestampMs: createdMs + elapsedMs })
      .then(
        ({ offset, partition }: RecordMetadata) => {
          acked++;
          pending--;
          io.stdout(event('producer_send_success', { key, value, offset, topic, partition }));
        },
        (error: Error) => {
          pending--;
          const exception = `class ${error instanceof KafkaError ? exceptionName(error) : error.name}`;
          io.stdout(event('producer_send_error', { key, value, topic, exception, message: error.message }));
        },
      );
    if (pending >= pendingMax) await settled;
    await throttle.wait(sent);
  }
  await producer.flush();
  io.stdout(event('shutdown_complete', {}));
  const perSecond = 1000 * (acked / (systemClock.monotonicMs() - startMs));
  io.stdout(event('tool_data', { sent, acked, target_throughput: throughput, avg_throughput: perSecond }));
}
