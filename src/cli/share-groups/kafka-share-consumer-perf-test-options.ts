/** The options of kafka-share-consumer-perf-test. */
import type { OptionTable } from '../arguments/options.ts';

export const shareConsumerPerfTestOptions: OptionTable = {
  'bootstrap-server': { argument: 'server to connect to', help: 'REQUIRED. The server(s) to connect to.' },
  topic: { argument: 'topic', help: 'REQUIRED: The topic to consume from.' },
  group: { argument: 'gid', default: 'perf-share-consumer', help: 'The group id to consume on.' },
  'fetch-size': {
    argument: 'size',
    type: 'Integer',
    default: '1048576',
    help: 'The amount of data to fetch in a single request.',
  },
  'command-property': {
    argument: 'prop1=val1',
    help: 'Kafka share consumer related configuration properties like client.id. These configs take precedence over those passed via --command-config or --consumer.config.',
  },
  'socket-buffer-size': {
    argument: 'size',
    type: 'Integer',
    default: '2097152',
    help: 'The size of the tcp RECV size.',
  },
  'consumer.config': {
    argument: 'config file',
    help: '(DEPRECATED) Share consumer config properties file. This option will be removed in a future version. Use --command-config instead.',
  },
  'command-config': { argument: 'config file', help: 'Config properties file.' },
  'print-metrics': { help: 'Print out the metrics.' },
  'show-detailed-stats': {
    help: 'If set, stats are reported for each reporting interval as configured by reporting-interval.',
  },
  timeout: {
    argument: 'milliseconds',
    type: 'Long',
    isOptional: true,
    default: '10000',
    help: 'The maximum allowed time in milliseconds between returned records.',
  },
  messages: {
    argument: 'count',
    type: 'Long',
    help: '(DEPRECATED) The number of records to consume. This option will be removed in a future version. Use --num-records instead.',
  },
  'num-records': { argument: 'count', type: 'Long', help: 'REQUIRED: The number of records to consume.' },
  'reporting-interval': {
    argument: 'interval_ms',
    type: 'Long',
    default: '5000',
    help: 'Interval in milliseconds at which to print progress info.',
  },
  'date-format': {
    argument: 'date format',
    default: 'yyyy-MM-dd HH:mm:ss:SSS',
    help: 'The date format to use for formatting the time field. See java.text.SimpleDateFormat for options.',
  },
  'hide-header': { help: 'If set, skips printing the header for the stats.' },
  threads: {
    argument: 'count',
    type: 'Integer',
    default: '1',
    help: 'The number of share consumers to use for sharing the load.',
  },
  'show-consumer-stats': {
    help: 'If set, stats are reported for each share consumer depending on the no. of threads.',
  },
  help: { help: 'Print usage information.' },
  version: { help: 'Display Kafka version.' },
};
