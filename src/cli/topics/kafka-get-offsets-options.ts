/** The options of kafka-get-offsets. */
import { type Options, type OptionTable } from '../arguments/options.ts';
import { ToolError } from '../tool.ts';

export const getOffsetsOptions: OptionTable = {
  'bootstrap-server': {
    argument: 'HOST1:PORT1,...,HOST3:PORT3',
    help: 'REQUIRED. The server(s) to connect to in the form HOST1:PORT1,HOST2:PORT2.',
  },
  'command-config': {
    argument: 'config file',
    help: 'Property file containing configs to be passed to Admin Client.',
  },
  'exclude-internal-topics': {
    help: 'By default, internal topics are included. If specified, internal topics are excluded.',
  },
  help: { help: 'Print usage information.' },
  partitions: {
    argument: 'partition ids',
    help: 'Comma separated list of partition ids to get the offsets for. If not present, all partitions of the authorized topics are queried. Cannot be used if --topic-partitions is present.',
  },
  time: {
    argument:
      '<timestamp> / -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload',
    default: 'latest',
    help: 'timestamp of the offsets before that. [Note: No offset is returned, if the timestamp greater than recently committed record timestamp is given.]',
  },
  topic: {
    argument: 'topic',
    help: 'The topic to get the offsets for. It also accepts a regular expression. If not present, all authorized topics are queried. Cannot be used if --topic-partitions is present.',
  },
  'topic-partitions': {
    argument: 'topic1:1,topic2:0-3,topic3,topic4:5-,topic5:-3',
    help: "Comma separated list of topic-partition patterns to get the offsets for, with the format of '([^:,]*)(?::(?:([0-9]*)|(?:([0-9]*)-([0-9]*))))?'. The first group is an optional regex for the topic name, if omitted, it matches any topic name. The section after ':' describes a 'partition' pattern, which can be: a number, a range in the format of 'NUMBER-NUMBER' (lower inclusive, upper exclusive), an inclusive lower bound in the format of 'NUMBER-', an exclusive upper bound in the format of '-NUMBER' or may be omitted to accept all partitions.",
  },
  version: { help: 'Display Kafka version.' },
};

/** The words that `--time` accepts, each with the timestamp that it stands for in ListOffsets requests. */
const named: ReadonlyMap<string, number> = new Map([
  ['latest', -1],
  ['earliest', -2],
  ['max-timestamp', -3],
  ['earliest-local', -4],
  ['latest-tiered', -5],
  ['earliest-pending-upload', -6],
]);

/** Returns the timestamp for the value of `--time`. A negative timestamp has a special meaning in ListOffsets requests. */
export function parseTime(text: string): number {
  const known = named.get(text);
  if (known !== undefined) return known;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw new ToolError(
    `Malformed time argument ${text}. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload, or a specified long format timestamp`,
  );
}

export function checkGetOffsetsOptions(options: Options): void {
  if (options.has('topic-partitions') && (options.has('topic') || options.has('partitions'))) {
    throw new ToolError('--topic-partitions cannot be used with --topic or --partitions');
  }
}
