/** The options of kafka-console-producer. */
import type { OptionTable } from '../arguments/options.ts';

const readerDefaults = `Default properties include:
 parse.key=false
 parse.headers=false
 ignore.error=false
 key.separator=\\t
 headers.delimiter=\\t
 headers.separator=,
 headers.key.separator=:
 null.marker=   When set, any fields (key, value and headers) equal to this will be replaced by null
Default parsing pattern when:
 parse.headers=true and parse.key=true:
  "h1:v1,h2:v2...\\tkey\\tvalue"
 parse.key=true:
  "key\\tvalue"
 parse.headers=true:
  "h1:v1,h2:v2...\\tvalue"`;
const readerText =
  'A mechanism to pass user-defined properties in the form key=value to the message reader. This allows custom configuration for a user-defined message reader.';

export const consoleProducerOptions: OptionTable = {
  'batch-size': {
    argument: 'size',
    type: 'Integer',
    default: '16384',
    help: 'The buffer size in bytes allocated for a partition. When records are received which are smaller than this size the producer will attempt to optimistically group them together until this size is reached. This is the option to control batch.size in producer configs. Please note that this option will be replaced if max-partition-memory-bytes is also set.',
  },
  'bootstrap-server': {
    argument: 'server to connect to',
    help: 'REQUIRED: The server(s) to connect to. The broker list string in the form HOST1:PORT1,HOST2:PORT2.',
  },
  'command-config': {
    argument: 'config file',
    help: 'Producer config properties file. Note that [command-property] takes precedence over this config.',
  },
  'command-property': {
    argument: 'producer_prop',
    help: 'Producer config properties in the form key=value.',
  },
  'compression-codec': {
    argument: 'compression-codec',
    isOptional: true,
    help: "The compression codec: either 'none', 'gzip', 'snappy', 'lz4', or 'zstd'. If specified without value, then it defaults to 'gzip'",
  },
  help: { help: 'Print usage information.' },
  'line-reader': {
    argument: 'reader_class',
    default: 'org.apache.kafka.tools.LineMessageReader',
    help: 'The class name of the class to use for reading lines from standard in. By default each line is read as a separate message.',
  },
  'max-block-ms': {
    argument: 'max block on send',
    type: 'Long',
    default: '60000',
    help: 'The max time that the producer will block for during a send request.',
  },
  'max-memory-bytes': {
    argument: 'total memory in bytes',
    type: 'Long',
    default: '33554432',
    help: 'The total memory used by the producer to buffer records waiting to be sent to the server. This is the option to control `buffer.memory` in producer configs.',
  },
  'max-partition-memory-bytes': {
    argument: 'memory in bytes per partition',
    type: 'Integer',
    default: '16384',
    help: '(Deprecated) The buffer size in bytes allocated for a partition. When records are received which are smaller than this size the producer will attempt to optimistically group them together until this size is reached. This is the option to control batch.size in producer configs. This option will be removed in Apache Kafka 5.0. Use --batch-size instead.',
  },
  'message-send-max-retries': {
    argument: '',
    type: 'Integer',
    default: '3',
    help: 'Brokers can fail receiving the message for multiple reasons, and being unavailable transiently is just one of them. This property specifies the number of retries before the producer give up and drop this message. This is the option to control `retries` in producer configs.',
  },
  'metadata-expiry-ms': {
    argument: 'metadata expiration interval',
    type: 'Long',
    default: '300000',
    help: "The period of time in milliseconds after which we force a refresh of metadata even if we haven't seen any leadership changes. This is the option to control `metadata.max.age.ms` in producer configs.",
  },
  'producer-property': {
    argument: 'producer_prop',
    help: '(DEPRECATED) Producer config properties in the form key=value. This option will be removed in a future version. Use --command-property instead.',
  },
  'producer.config': {
    argument: 'config file',
    help: '(DEPRECATED) Producer config properties file. Note that [command-property] takes precedence over this config. This option will be removed in a future version. Use --command-config instead.',
  },
  property: {
    argument: 'prop',
    help: `(DEPRECATED) ${readerText}\n${readerDefaults}\n This option will be removed in a future version. Use --reader-property instead.`,
  },
  'reader-config': {
    argument: 'config file',
    help: 'Config properties file for the message reader. Note that [reader-property] takes precedence over this config.',
  },
  'reader-property': { argument: 'prop', help: `${readerText}\n${readerDefaults}` },
  'request-required-acks': {
    argument: 'request required acks',
    default: '-1',
    help: 'The required `acks` of the producer requests',
  },
  'request-timeout-ms': {
    argument: 'request timeout ms',
    type: 'Integer',
    default: '1500',
    help: 'The ack timeout of the producer requests. Value must be non-negative and non-zero.',
  },
  'retry-backoff-ms': {
    argument: '',
    type: 'Long',
    default: '100',
    help: 'Before each retry, the producer refreshes the metadata of relevant topics. Since leader election takes a bit of time, this property specifies the amount of time that the producer waits before refreshing the metadata. This is the option to control `retry.backoff.ms` in producer configs.',
  },
  'socket-buffer-size': {
    argument: 'size',
    type: 'Integer',
    default: '102400',
    help: 'The size of the tcp RECV size. This is the option to control `send.buffer.bytes` in producer configs.',
  },
  sync: {
    help: 'If set message send requests to the brokers are synchronously, one at a time as they arrive.',
  },
  timeout: {
    argument: 'timeout_ms',
    type: 'Long',
    default: '1000',
    help: 'If set and the producer is running in asynchronous mode, this gives the maximum amount of time a message will queue awaiting sufficient batch size. The value is given in ms. This is the option to control `linger.ms` in producer configs.',
  },
  topic: { argument: 'topic', help: 'REQUIRED: The topic name to produce messages to.' },
  version: { help: 'Display Kafka version.' },
};
