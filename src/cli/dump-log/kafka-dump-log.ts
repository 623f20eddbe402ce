/**
 * kafka-dump-log: prints segments and indexes, which have the same format in Kafka and here, and our metadata log. It reads
 * files; no node has to run.
 */
import { printHelpOrVersion, uncaughtParserError, unread, usageError } from '../arguments/help-or-version.ts';
import { checkRequired, type Options, type OptionTable, parseOptions } from '../arguments/options.ts';
import type { CliIo } from '../tool.ts';
import { type DumpSettings, dumpLog, everyByte } from './dump-batches.ts';
import {
  dumpOffsetIndex,
  dumpProducerSnapshot,
  dumpTimeIndex,
  dumpTransactionIndex,
  type IndexSettings,
  TimeIndexErrors,
} from './dump-indexes.ts';
import {
  decodedBy,
  type MessageParser,
  metadataRecords,
  offsetsRecords,
  shareGroupStateRecords,
  transactionLogRecords,
} from './message-parsers.ts';
import { dumpOwnMetadata } from './dump-own-metadata.ts';
import { remoteLogRecords } from './remote-log-parser.ts';
import { Mismatches } from './mismatches.ts';

const intro =
  'This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment.';
const decoderHelp = (what: string): string =>
  `If set, used to deserialize the ${what}. This class should implement org.apache.kafka.tools.api.Decoder trait. Custom jar should be available in kafka/libs directory.`;
const stringDecoder = 'org.apache.kafka.tools.api.StringDecoder';

const table: OptionTable = {
  'print-data-log': {
    help: 'If set, printing the messages content when dumping data logs. Automatically set if any decoder option is specified.',
  },
  'verify-index-only': { help: 'If set, just verify the index log without printing its content.' },
  'index-sanity-check': {
    help: 'If set, just checks the index sanity without printing its content. This is the same check that is executed on broker startup to determine if an index needs rebuilding or not.',
  },
  files: {
    argument: 'file1, file2, ...',
    help: 'REQUIRED: The comma separated list of data and index log files to be dumped.',
  },
  'max-message-size': {
    argument: 'size',
    type: 'Integer',
    default: '5242880',
    help: 'Size of largest message.',
  },
  'max-bytes': {
    argument: 'size',
    type: 'Integer',
    default: String(everyByte),
    help: 'Limit the amount of total batches read in bytes avoiding reading the whole .log file(s).',
  },
  'deep-iteration': {
    help: 'If set, uses deep instead of shallow iteration. Automatically set if print-data-log is enabled.',
  },
  'value-decoder-class': {
    argument: '',
    isOptional: true,
    default: stringDecoder,
    help: decoderHelp('messages'),
  },
  'key-decoder-class': {
    argument: '',
    isOptional: true,
    default: stringDecoder,
    help: decoderHelp('keys'),
  },
  'offsets-decoder': {
    help: 'If set, log data will be parsed as offset data from the __consumer_offsets topic.',
  },
  'transaction-log-decoder': {
    help: 'If set, log data will be parsed as transaction metadata from the __transaction_state topic.',
  },
  'cluster-metadata-decoder': { help: 'If set, log data will be parsed as cluster metadata records.' },
  'remote-log-metadata-decoder': {
    help: 'If set, log data will be parsed as TopicBasedRemoteLogMetadataManager (RLMM) metadata records. Instead, the value-decoder-class option can be used if a custom RLMM implementation is configured.',
  },
  'share-group-state-decoder': {
    help: 'If set, log data will be parsed as share group state data from the __share_group_state topic.',
  },
  'skip-record-metadata': {
    help: 'Skip metadata when printing records. This flag also skips control records.',
  },
  help: { help: 'Print usage information.' },
  version: { help: 'Display Kafka version.' },
};

/**
 * Options that choose how the content of records is decoded. Each of them makes the tool print the content. When several are
 * given, the first in this list counts.
 */
const parsers: Readonly<Record<string, MessageParser>> = {
  'offsets-decoder': offsetsRecords,
  'transaction-log-decoder': transactionLogRecords,
  'cluster-metadata-decoder': metadataRecords,
  'remote-log-metadata-decoder': remoteLogRecords,
  'share-group-state-decoder': shareGroupStateRecords,
};
const decoderOptions = [...Object.keys(parsers), 'value-decoder-class', 'key-decoder-class'];

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const status = printHelpOrVersion(unread(args), args, intro, table, io);
  if (status !== null) return status;
  const options = usageError(table, () => {
    const parsed = parseOptions(table, args, { typesLater: true });
    checkRequired(parsed, 'files');
    return parsed;
  });
  const gaps = new Mismatches(
    (path) => `Non-consecutive offsets in ${path}`,
    (first, second) => `  ${first} is followed by ${second}`,
  );
  const mismatches = new Mismatches(
    (path) => `Mismatches in :${path}`,
    (index, log) => `  Index offset: ${index}, log offset: ${log}`,
  );
  const timeErrors = new TimeIndexErrors();
  const dumpers: Readonly<Record<string, (path: string, settings: Settings) => void>> = {
    '.log': (path, settings) => dumpLog(path, settings, gaps, io),
    '.checkpoint': (path, settings) => dumpLog(path, settings, gaps, io),
    '.index': (path, settings) => dumpOffsetIndex(path, settings, mismatches, io),
    '.timeindex': (path, settings) => dumpTimeIndex(path, settings, timeErrors, io),
    '.snapshot': (path) => dumpProducerSnapshot(path, io),
    '.txnindex': (path) => dumpTransactionIndex(path, io),
  };
  for (const path of (options.text('files') as string).split(',').filter((one) => one !== '')) {
    io.stdout(`Dumping ${path}\n`);
    if (await dumpOwnMetadata(path, options.has('cluster-metadata-decoder'), io)) continue;
    const dump = dumpers[path.slice(Math.max(0, path.lastIndexOf('.')))];
    if (dump === undefined) io.stderr(`Ignoring unknown file ${path}\n`);
    // Kafka's tool reads these options when it begins to print a file. So an error in them comes after the line above.
    else dump(path, settingsOf(options));
  }
  mismatches.print(io);
  timeErrors.print(io);
  gaps.print(io);
  return 0;
}

type Settings = DumpSettings & IndexSettings;

/** Returns the value of an option as a number. Throws, with the message of this tool, when it is not a number. */
function numberOf(options: Options, name: string): number {
  return uncaughtParserError(() => options.number(name)) as number;
}

function settingsOf(options: Options): Settings {
  const chosen = Object.keys(parsers).find((name) => options.has(name));
  const printsContent = options.has('print-data-log') || decoderOptions.some((name) => options.has(name));
  return {
    isDeep: options.has('deep-iteration') || printsContent,
    printsContent,
    skipsMetadata: options.has('skip-record-metadata'),
    maxBytes: numberOf(options, 'max-bytes'),
    parser:
      chosen === undefined
        ? decodedBy(
            options.text('key-decoder-class') ?? stringDecoder,
            options.text('value-decoder-class') ?? stringDecoder,
          )
        : (parsers[chosen] as MessageParser),
    verifiesOnly: options.has('verify-index-only'),
    checksSanityOnly: options.has('index-sanity-check'),
    maxMessageBytes: numberOf(options, 'max-message-size'),
  };
}
