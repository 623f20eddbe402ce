/** The options of kafka-replica-verification. */
import type { OptionTable } from '../arguments/options.ts';

export const replicaVerificationOptions: OptionTable = {
  'broker-list': {
    argument: 'hostname: port,...,hostname:port',
    help: 'REQUIRED: The list of hostname and port of the server to connect to.',
  },
  'fetch-size': {
    type: 'Integer',
    argument: 'bytes',
    default: '1048576',
    help: 'The fetch size of each request.',
  },
  help: { help: 'Print usage information.' },
  'max-wait-ms': {
    type: 'Integer',
    argument: 'ms',
    default: '1000',
    help: 'The max amount of time each fetch request waits.',
  },
  'report-interval-ms': { type: 'Long', argument: 'ms', default: '30000', help: 'The reporting interval.' },
  time: {
    type: 'Long',
    argument: 'timestamp/-1(latest)/-2 (earliest)',
    default: '-1',
    help: 'Timestamp for getting the initial offsets.',
  },
  'topics-include': {
    argument: 'Java regex (String)',
    default: '.*',
    help: 'List of topics to verify replica consistency.',
  },
  version: { help: 'Display Kafka version.' },
};
