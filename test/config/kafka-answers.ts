/**
 * The texts that values of each config type may have, with what Apache Kafka 4.3.1 answered to a CreateTopics request that
 * set them (null: accepted), as `scripts/ask-both.mjs` recorded it.
 */
export const kafkaAnswers: Readonly<
  Record<string, readonly (readonly [text: string, error: string | null])[]>
> = {
  'retention.ms': [
    ['', 'Invalid value  for configuration retention.ms: Not a number of type LONG'],
    [' ', 'Invalid value   for configuration retention.ms: Not a number of type LONG'],
    ['1', null],
    [' 1 ', null],
    ['+1', null],
    ['-1', null],
    ['0', null],
    ['01', null],
    ['1.0', 'Invalid value 1.0 for configuration retention.ms: Not a number of type LONG'],
    ['1e3', 'Invalid value 1e3 for configuration retention.ms: Not a number of type LONG'],
    ['0x10', 'Invalid value 0x10 for configuration retention.ms: Not a number of type LONG'],
    ['1_000', 'Invalid value 1_000 for configuration retention.ms: Not a number of type LONG'],
    ['2147483647', null],
    ['2147483648', null],
    ['-2147483648', 'Invalid value -2147483648 for configuration retention.ms: Value must be at least -1'],
    ['9223372036854775807', null],
    [
      '9223372036854775808',
      'Invalid value 9223372036854775808 for configuration retention.ms: Not a number of type LONG',
    ],
    [
      '-9223372036854775809',
      'Invalid value -9223372036854775809 for configuration retention.ms: Not a number of type LONG',
    ],
    [
      '99999999999999999999999',
      'Invalid value 99999999999999999999999 for configuration retention.ms: Not a number of type LONG',
    ],
    ['abc', 'Invalid value abc for configuration retention.ms: Not a number of type LONG'],
    ['1L', 'Invalid value 1L for configuration retention.ms: Not a number of type LONG'],
    ['1 1', 'Invalid value 1 1 for configuration retention.ms: Not a number of type LONG'],
  ],
  'max.message.bytes': [
    ['', 'Invalid value  for configuration max.message.bytes: Not a number of type INT'],
    [' ', 'Invalid value   for configuration max.message.bytes: Not a number of type INT'],
    ['1', null],
    [' 1 ', null],
    ['+1', null],
    ['-1', 'Invalid value -1 for configuration max.message.bytes: Value must be at least 0'],
    ['0', null],
    ['01', null],
    ['1.0', 'Invalid value 1.0 for configuration max.message.bytes: Not a number of type INT'],
    ['1e3', 'Invalid value 1e3 for configuration max.message.bytes: Not a number of type INT'],
    ['0x10', 'Invalid value 0x10 for configuration max.message.bytes: Not a number of type INT'],
    ['1_000', 'Invalid value 1_000 for configuration max.message.bytes: Not a number of type INT'],
    ['2147483647', null],
    ['2147483648', 'Invalid value 2147483648 for configuration max.message.bytes: Not a number of type INT'],
    [
      '-2147483648',
      'Invalid value -2147483648 for configuration max.message.bytes: Value must be at least 0',
    ],
    [
      '9223372036854775807',
      'Invalid value 9223372036854775807 for configuration max.message.bytes: Not a number of type INT',
    ],
    [
      '9223372036854775808',
      'Invalid value 9223372036854775808 for configuration max.message.bytes: Not a number of type INT',
    ],
    [
      '-9223372036854775809',
      'Invalid value -9223372036854775809 for configuration max.message.bytes: Not a number of type INT',
    ],
    [
      '99999999999999999999999',
      'Invalid value 99999999999999999999999 for configuration max.message.bytes: Not a number of type INT',
    ],
    ['abc', 'Invalid value abc for configuration max.message.bytes: Not a number of type INT'],
    ['1L', 'Invalid value 1L for configuration max.message.bytes: Not a number of type INT'],
    ['1 1', 'Invalid value 1 1 for configuration max.message.bytes: Not a number of type INT'],
  ],
  'min.cleanable.dirty.ratio': [
    ['', 'Invalid value  for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE'],
    [' ', 'Invalid value   for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE'],
    ['0.5', null],
    [' .5 ', null],
    ['1', null],
    ['1.', null],
    ['2', 'Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1'],
    ['-1', 'Invalid value -1.0 for configuration min.cleanable.dirty.ratio: Value must be at least 0'],
    ['5e-1', null],
    ['0.5d', null],
    ['0.5f', null],
    ['NaN', null],
    [
      'Infinity',
      'Invalid value Infinity for configuration min.cleanable.dirty.ratio: Value must be no more than 1',
    ],
    [
      '-Infinity',
      'Invalid value -Infinity for configuration min.cleanable.dirty.ratio: Value must be at least 0',
    ],
    [
      '1e400',
      'Invalid value Infinity for configuration min.cleanable.dirty.ratio: Value must be no more than 1',
    ],
    ['abc', 'Invalid value abc for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE'],
    ['0,5', 'Invalid value 0,5 for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE'],
  ],
  preallocate: [
    ['', 'Invalid value  for configuration preallocate: Expected value to be either true or false'],
    [' ', 'Invalid value   for configuration preallocate: Expected value to be either true or false'],
    ['true', null],
    ['TRUE', null],
    [' true ', null],
    ['True', null],
    ['false', null],
    ['yes', 'Invalid value yes for configuration preallocate: Expected value to be either true or false'],
    ['1', 'Invalid value 1 for configuration preallocate: Expected value to be either true or false'],
    ['tru', 'Invalid value tru for configuration preallocate: Expected value to be either true or false'],
  ],
  'cleanup.policy': [
    ['', null],
    [' ', null],
    [',', "Configuration 'cleanup.policy' values must not be empty."],
    ['delete', null],
    [' delete ', null],
    ['delete,compact', null],
    ['delete , compact', null],
    ['compact,compact', null],
    ['delete,', "Configuration 'cleanup.policy' values must not be empty."],
    [',delete', "Configuration 'cleanup.policy' values must not be empty."],
    ['delete,,compact', "Configuration 'cleanup.policy' values must not be empty."],
    ['nope', 'Invalid value nope for configuration cleanup.policy: String must be one of: compact, delete'],
    [
      'delete,nope',
      'Invalid value nope for configuration cleanup.policy: String must be one of: compact, delete',
    ],
    [
      'Delete',
      'Invalid value Delete for configuration cleanup.policy: String must be one of: compact, delete',
    ],
    [
      '[delete]',
      'Invalid value [delete] for configuration cleanup.policy: String must be one of: compact, delete',
    ],
    [
      'delete compact',
      'Invalid value delete compact for configuration cleanup.policy: String must be one of: compact, delete',
    ],
  ],
  'compression.type': [
    [
      '',
      'Invalid value  for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
    ],
    [
      ' ',
      'Invalid value  for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
    ],
    ['gzip', null],
    [' gzip ', null],
    [
      'GZIP',
      'Invalid value GZIP for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
    ],
    [
      'nope',
      'Invalid value nope for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
    ],
    ['producer', null],
    [
      'gzip,lz4',
      'Invalid value gzip,lz4 for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
    ],
  ],
  'leader.replication.throttled.replicas': [
    ['', null],
    ['*', null],
    ['0:1', null],
    ['0:1,1:1', null],
    ['0:1,0:1', null],
    [
      '*,0:1',
      "Invalid value [*, 0:1] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
    ],
    [
      'nope',
      "Invalid value [nope] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
    ],
    [
      '0:',
      "Invalid value [0:] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
    ],
    [
      ':1',
      "Invalid value [:1] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
    ],
    [
      '0:1:2',
      "Invalid value [0:1:2] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
    ],
    [' 0:1 , 1:1 ', null],
    [
      'none',
      "Invalid value [none] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
    ],
  ],
};
