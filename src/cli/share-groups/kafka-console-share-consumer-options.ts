/** The options of kafka-console-share-consumer. */
import type { OptionTable } from '../arguments/options.ts';

export const consoleShareConsumerOptions: OptionTable = {
  topic: { argument: 'topic', help: 'The topic to consume from.' },
  'consumer-property': {
    argument: 'consumer_prop',
    help: '(DEPRECATED) Consumer config properties in the form key=value. This option will be removed in a future version. Use --command-property instead.',
  },
  'command-property': {
    argument: 'consumer_prop',
    help: 'Consumer config properties in the form key=value.',
  },
  'consumer-config': {
    argument: 'config file',
    help: '(DEPRECATED) Consumer config properties file. Note that [command-property] takes precedence over this config. This option will be removed in a future version. Use --command-config instead.',
  },
  'command-config': {
    argument: 'config file',
    help: 'Consumer config properties file. Note that [command-property] takes precedence over this config.',
  },
  formatter: {
    argument: 'class',
    default: 'org.apache.kafka.tools.consumer.DefaultMessageFormatter',
    help: 'The name of a class to use for formatting Kafka messages for display.',
  },
  property: {
    argument: 'prop',
    help: "(DEPRECATED) The properties to initialize the message formatter. Default properties include: \n print.timestamp=true|false\n print.key=true|false\n print.offset=true|false\n print.delivery=true|false\n print.epoch=true|false\n print.partition=true|false\n print.headers=true|false\n print.value=true|false\n key.separator=<key.separator>\n line.separator=<line.separator>\n headers.separator=<headers.separator>\n null.literal=<null.literal>\n key.deserializer=<key.deserializer>\n value.deserializer=<value.deserializer>\n header.deserializer=<header.deserializer>\n\nUsers can also pass in customized properties for their formatter; more specifically, users can pass in properties keyed with 'key.deserializer.', 'value.deserializer.' and 'headers.deserializer.' prefixes to configure their deserializers. \nThis option will be removed in a future version. Use --formatter-property instead.",
  },
  'formatter-property': {
    argument: 'prop',
    help: "The properties to initialize the message formatter. Default properties include: \n print.timestamp=true|false\n print.key=true|false\n print.offset=true|false\n print.delivery=true|false\n print.epoch=true|false\n print.partition=true|false\n print.headers=true|false\n print.value=true|false\n key.separator=<key.separator>\n line.separator=<line.separator>\n headers.separator=<headers.separator>\n null.literal=<null.literal>\n key.deserializer=<key.deserializer>\n value.deserializer=<value.deserializer>\n header.deserializer=<header.deserializer>\n\nUsers can also pass in customized properties for their formatter; more specifically, users can pass in properties keyed with 'key.deserializer.', 'value.deserializer.' and 'headers.deserializer.' prefixes to configure their deserializers.",
  },
  'formatter-config': {
    argument: 'config file',
    help: 'Config properties file to initialize the message formatter. Note that [formatter-property] takes precedence over this config.',
  },
  'max-messages': {
    argument: 'num_messages',
    type: 'Integer',
    help: 'The maximum number of messages to consume before exiting. If not set, consumption is continual.',
  },
  'timeout-ms': {
    argument: 'timeout_ms',
    type: 'Integer',
    help: 'If specified, exit if no message is available for consumption for the specified interval.',
  },
  reject: { help: 'If specified, messages are rejected as they are consumed.' },
  release: { help: 'If specified, messages are released as they are consumed.' },
  'reject-message-on-error': {
    help: 'If there is an error when processing a message, reject it instead of halting.',
  },
  'bootstrap-server': { argument: 'server to connect to', help: 'REQUIRED: The server(s) to connect to.' },
  'key-deserializer': {
    argument: 'deserializer for keys',
    help: 'The name of the class to use for deserializing keys.',
  },
  'value-deserializer': {
    argument: 'deserializer for values',
    help: 'The name of the class to use for deserializing values.',
  },
  group: { argument: 'share group id', help: 'The share group id of the consumer.' },
  'enable-systest-events': {
    help: 'Log lifecycle events of the share consumer in addition to logging consumed messages. (This is specific for system tests.)',
  },
  help: { help: 'Print usage information.' },
  version: { help: 'Display Kafka version.' },
};
