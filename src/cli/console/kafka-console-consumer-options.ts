/** The options of kafka-console-consumer, and checks of their combinations. */
import { checkRequired, type Options, type OptionTable, parseOptions } from '../arguments/options.ts';
import { ToolError } from '../tool.ts';

const formatterDefaults = ` print.timestamp=true|false
 print.key=true|false
 print.offset=true|false
 print.epoch=true|false
 print.partition=true|false
 print.headers=true|false
 print.value=true|false
 key.separator=<key.separator>
 line.separator=<line.separator>
 headers.separator=<headers.separator>
 null.literal=<null.literal>
 key.deserializer=<key.deserializer>
 value.deserializer=<value.deserializer>
 header.deserializer=<header.deserializer>
Users can also pass in customized properties for their formatter; more specifically, users can pass in properties keyed with 'key.deserializer.', 'value.deserializer.' and 'headers.deserializer.' prefixes to configure their deserializers.`;

export const consoleConsumerOptions: OptionTable = {
  'bootstrap-server': { argument: 'server to connect to', help: 'REQUIRED: The server(s) to connect to.' },
  'command-config': {
    argument: 'config file',
    help: 'Consumer config properties file. Note that [command-property] takes precedence over this config.',
  },
  'command-property': {
    argument: 'consumer_prop',
    help: 'Consumer config properties in the form key=value.',
  },
  'consumer-property': {
    argument: 'consumer_prop',
    help: '(DEPRECATED) Consumer config properties in the form key=value. This option will be removed in a future version. Use --command-property instead.',
  },
  'consumer.config': {
    argument: 'config file',
    help: '(DEPRECATED) Consumer config properties file. Note that [command-property] takes precedence over this config. This option will be removed in a future version. Use --command-config instead.',
  },
  'enable-systest-events': {
    help: 'Log lifecycle events of the consumer in addition to logging consumed messages. (This is specific for system tests.)',
  },
  formatter: {
    argument: 'class',
    default: 'org.apache.kafka.tools.consumer.DefaultMessageFormatter',
    help: 'The name of a class to use for formatting kafka messages for display.',
  },
  'formatter-config': {
    argument: 'config file',
    help: 'Config properties file to initialize the message formatter. Note that [formatter-property] takes precedence over this config.',
  },
  'formatter-property': {
    argument: 'prop',
    help: `The properties to initialize the message formatter. Default properties include:\n${formatterDefaults}`,
  },
  'from-beginning': {
    help: 'If the consumer does not already have an established offset to consume from, start with the earliest message present in the log rather than the latest message.',
  },
  group: { argument: 'consumer group id', help: 'The consumer group id of the consumer.' },
  help: { help: 'Print usage information.' },
  include: {
    argument: 'Java regex (String)',
    help: 'Regular expression specifying list of topics to include for consumption.',
  },
  'isolation-level': {
    argument: '',
    default: 'read_uncommitted',
    help: 'Set to read_committed in order to filter out transactional messages which are not committed. Set to read_uncommitted to read all messages.',
  },
  'key-deserializer': {
    argument: 'deserializer for keys',
    help: 'The name of the class to use for deserializing keys.',
  },
  'max-messages': {
    argument: 'num_messages',
    type: 'Integer',
    help: 'The maximum number of messages to consume before exiting. If not set, consumption is continual.',
  },
  offset: {
    argument: 'consume offset',
    default: 'latest',
    help: "The offset to consume from (a non-negative number), or 'earliest' which means from beginning, or 'latest' which means from end",
  },
  partition: {
    argument: 'partition',
    type: 'Integer',
    help: "The partition to consume from. Consumption starts from the end of the partition unless '--offset' is specified.",
  },
  property: {
    argument: 'prop',
    help: `(DEPRECATED) The properties to initialize the message formatter. Default properties include:\n${formatterDefaults}\nThis option will be removed in a future version. Use --formatter-property instead.`,
  },
  'skip-message-on-error': {
    help: 'If there is an error when processing a message, skip it instead of halt.',
  },
  'timeout-ms': {
    argument: 'timeout_ms',
    type: 'Long',
    help: 'If specified, exit if no message is available for consumption for the specified interval.',
  },
  topic: { argument: 'topic', help: 'The topic to consume from.' },
  'value-deserializer': {
    argument: 'deserializer for values',
    help: 'The name of the class to use for deserializing values.',
  },
  version: { help: 'Display Kafka version.' },
};

export const deprecatedConsumerOptions: readonly [old: string, now: string][] = [
  ['property', 'formatter-property'],
  ['consumer-property', 'command-property'],
  ['consumer.config', 'command-config'],
];

/** Reads the command line. Throws, with Kafka's message, when options cannot be combined. */
export function readConsumerOptions(args: readonly string[]): Options {
  const options = parseOptions(consoleConsumerOptions, args);
  const refuse = (message: string): never => {
    throw new ToolError(message);
  };
  for (const [old, now] of deprecatedConsumerOptions) {
    if (options.has(old) && options.has(now))
      refuse(`Options --${now} and --${old} cannot be specified together.`);
  }
  if (options.has('topic') === options.has('include')) {
    refuse('Exactly one of the following arguments is required: [include], [topic]');
  }
  if (options.has('partition')) {
    if (!options.has('topic')) refuse('The topic is required when partition is specified.');
    if (options.has('from-beginning') && options.has('offset')) {
      refuse('Options from-beginning and offset cannot be specified together.');
    }
  } else if (options.has('offset')) refuse('The partition is required when offset is specified.');
  checkRequired(options, 'bootstrap-server');
  startOffset(options);
  if (options.has('group') && options.has('partition')) {
    refuse('Options group and partition cannot be specified together.');
  }
  return options;
}

/** Returns the value of `--offset`. Without the option, `--from-beginning` decides. */
export function startOffset(options: Options): number | 'earliest' | 'latest' {
  if (!options.has('offset')) return options.has('from-beginning') ? 'earliest' : 'latest';
  const text = options.text('offset') as string;
  const word = text.toLowerCase();
  if (word === 'earliest' || word === 'latest') return word;
  if (/^\d+$/.test(text)) return Number(text);
  throw new ToolError(
    `The provided offset value '${text}' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.`,
  );
}
