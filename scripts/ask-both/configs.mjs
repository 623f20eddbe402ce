/** Questions about configurations: values of all types, for all kinds of resources, and unusual names of resources. */
import { brokerProperties, groupProperties, topicProperties } from './side.mjs';

const [topic, broker, logger, metrics, group] = [2, 4, 8, 16, 32];
const [set, remove, append, subtract] = [0, 1, 2, 3];

const integers = [
  '',
  ' ',
  '1',
  ' 1 ',
  '+1',
  '-1',
  '0',
  '01',
  '1.0',
  '1e3',
  '0x10',
  '1_000',
  '2147483647',
  '2147483648',
  '-2147483648',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775809',
  '99999999999999999999999',
  'abc',
  '1L',
  '١',
  '1 1',
];
const doubles = [
  '',
  ' ',
  '0.5',
  ' .5 ',
  '1',
  '1.',
  '2',
  '-1',
  '5e-1',
  '0.5d',
  '0.5f',
  '0x1p-1',
  'NaN',
  'Infinity',
  '-Infinity',
  '1e400',
  'abc',
  '0,5',
];
const booleans = ['', ' ', 'true', 'TRUE', ' true ', 'True', 'false', 'yes', '1', 'tru', 'null'];
const lists = [
  '',
  ' ',
  ',',
  'delete',
  ' delete ',
  'delete,compact',
  'delete , compact',
  'compact,compact',
  'delete,',
  ',delete',
  'delete,,compact',
  'nope',
  'delete,nope',
  'Delete',
  '[delete]',
  'delete compact',
];
const strings = ['', ' ', 'gzip', ' gzip ', 'GZIP', 'nope', 'producer', 'gzip,lz4'];
const replicas = [
  '',
  '*',
  '0:1',
  '0:1,1:1',
  '0:1,0:1',
  '*,0:1',
  'nope',
  '0:',
  ':1',
  '0:1:2',
  ' 0:1 , 1:1 ',
  'none',
];

/** For each key, the texts that it is set to. */
const topicValues = {
  'retention.ms': integers,
  'segment.bytes': integers,
  'max.message.bytes': integers,
  'min.insync.replicas': integers,
  'min.cleanable.dirty.ratio': doubles,
  preallocate: booleans,
  'cleanup.policy': lists,
  'compression.type': strings,
  'message.timestamp.type': ['', 'CreateTime', 'createtime', ' LogAppendTime ', 'nope'],
  'compression.gzip.level': ['-1', '0', '1', '9', '10', '', 'x'],
  'compression.lz4.level': ['0', '1', '17', '18', '-1'],
  'compression.zstd.level': ['-131072', '-131073', '0', '22', '23'],
  'leader.replication.throttled.replicas': replicas,
  'segment.jitter.ms': ['-1', '0', '1', '99999999999'],
  'local.retention.ms': ['-3', '-2', '-1', '0', '700000000'],
  'remote.storage.enable': ['true', 'false', ''],
  'unclean.leader.election.enable': booleans,
  nope: ['1'],
  '': ['1'],
};
const brokerValues = {
  'log.retention.ms': integers,
  'log.segment.bytes': ['', '1', '1048576', '99999999999'],
  'log.cleanup.policy': lists,
  'log.cleaner.min.cleanable.ratio': doubles,
  'log.preallocate': booleans,
  'compression.type': strings,
  'log.cleaner.threads': ['0', '1', '2', '3', '', 'x'],
  'num.io.threads': ['0', '4', '8', '16', '17', ' 8 '],
  'message.max.bytes': ['-1', '0', '1', '2147483648'],
  'max.connections.per.ip.overrides': ['', 'a:1', 'a', 'a:x', 'a:-1', 'a:1,a:2'],
  'max.connections': ['-1', '0', '100', ''],
  'min.insync.replicas': ['0', '1', 'x'],
  'log.message.timestamp.type': ['CreateTime', 'nope'],
  'process.roles': ['broker'],
  'node.id': ['2'],
  'log.dirs': ['/tmp'],
  'listener.security.protocol.map': ['PLAINTEXT:PLAINTEXT', 'x'],
  'ssl.keystore.location': ['/x'],
  'sasl.jaas.config': ['x'],
  listeners: ['', 'PLAINTEXT://:0', 'PLAINTEXT://:1,PLAINTEXT://:2', 'x', 'NOPE://:1', 'CONTROLLER://:1'],
  'advertised.listeners': ['', 'PLAINTEXT://a:1', 'PLAINTEXT://0.0.0.0:1', 'x', 'NOPE://a:1'],
  'cordoned.log.dirs': ['', '*', '*,/x', '/x,/y'],
  'log.local.retention.ms': ['-3', '-2', '-1', '0', '604800000', '604800001'],
  'remote.log.manager.follower.thread.pool.size': ['0', '1', '4', '5'],
  'max.connections.per.ip': ['-1', '0', '1'],
  nope: ['1', ''],
};
/** The texts for every key that has none of its own above. */
const anyTexts = ['', '-3', '0', '1', 'true', 'x', '99999999999', 'java.lang.String'];
const groupValues = {
  'consumer.session.timeout.ms': integers,
  'consumer.heartbeat.interval.ms': ['4999', '5000', '15000', '15001', '-1', ''],
  'share.partition.max.record.locks': ['99', '100', '4000', '4001'],
  'share.delivery.count.limit': ['1', '2', '10', '11'],
  'share.record.lock.duration.ms': ['14999', '15000', '60000', '60001'],
  'share.auto.offset.reset': [
    'latest',
    'earliest',
    'nope',
    '',
    'LATEST',
    'by_duration:PT1H',
    'by_duration:',
    'by_duration:-PT1H',
    'by_duration:P1DT-1H',
    'by_duration:P1D',
    'by_duration:pt1.5s',
    'by_duration:PT',
    'by_duration:P1DT',
    'by_duration:P',
    'by_duration:P1Y',
    'BY_DURATION:PT1H',
    ' latest ',
    'by_duration:x',
  ],
  'share.isolation.level': ['read_committed', 'READ_UNCOMMITTED', 'nope', ''],
  'streams.num.standby.replicas': ['-1', '0', '2', '3'],
  nope: ['1'],
};
const metricsValues = {
  'interval.ms': ['', '99', '100', '3600000', '3600001', 'x', '-1'],
  metrics: ['', '*', 'a,b', 'a,a', ' a , b ', ','],
  match: [
    '',
    'client_id=a',
    'client_id=[',
    'nope=a',
    'client_id',
    'client_id=a=b',
    'client_id=a,client_id=b',
    'client_id=a,client_source_port=1',
    ' client_id = a ',
  ],
  nope: ['1'],
};

/** Returns the texts for all keys of `table`: those that are listed for the key, otherwise `anyTexts`. */
const every = (texts, table) => ({
  ...Object.fromEntries(Object.keys(table).map((key) => [key, anyTexts])),
  ...texts,
});

function incremental(id, resourceType, resourceName, configs) {
  return {
    id: `IncrementalAlterConfigs: ${id}`,
    api: 'IncrementalAlterConfigs',
    once: true,
    body: () => ({ resources: [{ resourceType, resourceName, configs }], validateOnly: true }),
  };
}
/** Makes the same change with AlterConfigs, which replaces all values that were set before. */
function alter(id, resourceType, resourceName, configs) {
  return {
    id: `AlterConfigs: ${id}`,
    api: 'AlterConfigs',
    once: true,
    body: () => ({
      resources: [
        { resourceType, resourceName, configs: configs.map(({ name, value }) => ({ name, value })) },
      ],
      validateOnly: true,
    }),
  };
}
const quoted = (text) => (text === null ? 'null' : `'${text}'`);
const op = (name, value, configOperation = set) => ({ name, value, configOperation });

function* values() {
  const places = [
    ['topic', topic, 'full', every(topicValues, topicProperties)],
    ['broker', broker, '1', every(brokerValues, brokerProperties)],
    ['brokers', broker, '', every(brokerValues, brokerProperties)],
    ['group', group, 'g', every(groupValues, groupProperties)],
    ['client metrics', metrics, 'm', metricsValues],
  ];
  for (const [where, type, resource, table] of places) {
    for (const [name, texts] of Object.entries(table)) {
      for (const text of [...texts, null]) {
        yield incremental(`${where} ${name}=${quoted(text)}`, type, resource, [op(name, text)]);
        yield alter(`${where} ${name}=${quoted(text)}`, type, resource, [op(name, text)]);
      }
    }
  }
  for (const [name, texts] of Object.entries(every(topicValues, topicProperties))) {
    for (const text of [...texts, null]) {
      yield {
        id: `CreateTopics: ${name}=${quoted(text)}`,
        api: 'CreateTopics',
        once: true,
        skip: ['topicId', 'configs'],
        body: () => ({
          topics: [
            {
              name: 'new',
              numPartitions: 1,
              replicationFactor: 1,
              assignments: [],
              configs: [{ name, value: text }],
            },
          ],
          validateOnly: true,
        }),
      };
    }
  }
}

/** Combinations of values of one broker, some valid together and some not. */
function* together() {
  const cases = [
    { 'log.retention.ms': '10', 'log.local.retention.ms': '11' },
    { 'log.retention.ms': '-1', 'log.local.retention.ms': '11' },
    { 'log.retention.bytes': '10', 'log.local.retention.bytes': '11' },
    { 'log.retention.bytes': '10', 'log.local.retention.bytes': '-1' },
    { 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': 'a:1' },
    { 'log.cleaner.threads': '2', 'log.cleaner.dedupe.buffer.size': '2097152' },
    { 'log.cleaner.threads': '2', 'log.cleaner.dedupe.buffer.size': '2097153' },
    { 'log.cleaner.dedupe.buffer.size': '1048576' },
    { 'log.cleaner.dedupe.buffer.size': '2097152' },
    { 'log.retention.ms': 'x', 'log.roll.ms': '0' },
    { 'node.id': '2', 'log.retention.ms': 'x' },
  ];
  for (const values of cases) {
    for (const name of ['1', '']) {
      const what = `${JSON.stringify(values)} of broker '${name}'`;
      const configs = Object.entries(values).map(([key, text]) => op(key, text));
      yield incremental(what, broker, name, configs);
      yield alter(what, broker, name, configs);
    }
  }
}

function* operations() {
  const lists = [
    ['topic', topic, 'full', 'cleanup.policy'],
    ['topic', topic, 'full', 'leader.replication.throttled.replicas'],
    ['topic', topic, 'full', 'retention.ms'],
    ['topic', topic, 'full', 'nope'],
    ['broker', broker, '1', 'log.cleanup.policy'],
    ['brokers', broker, '', 'log.cleanup.policy'],
    ['broker', broker, '1', 'nope'],
    ['client metrics', metrics, 'm', 'metrics'],
    ['client metrics', metrics, 'm', 'match'],
    ['group', group, 'g', 'consumer.session.timeout.ms'],
  ];
  for (const [where, type, resource, name] of lists) {
    for (const operation of [append, subtract]) {
      for (const text of [
        '',
        ' ',
        ',',
        'delete',
        'compact',
        'compact,compact',
        'delete,compact',
        '0:1',
        'a',
        'client_id=a',
        null,
      ]) {
        const what = operation === append ? 'append' : 'subtract';
        yield incremental(`${what} '${text}' of ${where} ${name}`, type, resource, [
          op(name, text, operation),
        ]);
      }
    }
    yield incremental(`remove ${where} ${name}`, type, resource, [op(name, null, remove)]);
    yield incremental(`remove ${where} ${name} with value`, type, resource, [op(name, 'x', remove)]);
    yield incremental(`operation 9 of ${where} ${name}`, type, resource, [op(name, 'x', 9)]);
    yield incremental(`${where} ${name} twice`, type, resource, [op(name, 'compact'), op(name, 'delete')]);
  }
}

function* resources() {
  const cases = [
    ...[0, 1, 2, 3, 4, 8, 16, 32, 64, -1, 127].map((type) => [`type ${type}`, type, 'x']),
    ...['', 'absent', 'gone', 'full', '.', 'a b'].map((name) => [`topic '${name}'`, topic, name]),
    ...['', '1', '9', '-1', 'x', '1.0', ' 1', '01'].map((name) => [`broker '${name}'`, broker, name]),
    ...['', '1', '9', 'x'].map((name) => [`logger '${name}'`, logger, name]),
    ...['', 'g'].map((name) => [`group '${name}'`, group, name]),
    ...['', 'm'].map((name) => [`client metrics '${name}'`, metrics, name]),
  ];
  for (const [id, resourceType, resourceName] of cases) {
    yield {
      id: `DescribeConfigs: ${id}`,
      api: 'DescribeConfigs',
      skip: ['configs'],
      body: () => ({ resources: [{ resourceType, resourceName, configurationKeys: ['retention.ms'] }] }),
    };
    yield {
      id: `IncrementalAlterConfigs: resource ${id}`,
      api: 'IncrementalAlterConfigs',
      body: () => ({ resources: [{ resourceType, resourceName, configs: [] }], validateOnly: true }),
    };
    yield {
      id: `AlterConfigs: resource ${id}`,
      api: 'AlterConfigs',
      body: () => ({ resources: [{ resourceType, resourceName, configs: [] }], validateOnly: true }),
    };
  }
  const twice = [topic, topic].map((resourceType) => ({ resourceType, resourceName: 'full' }));
  yield {
    id: 'DescribeConfigs: twice',
    api: 'DescribeConfigs',
    skip: ['configs'],
    body: () => ({ resources: twice.map((one) => ({ ...one, configurationKeys: [] })) }),
  };
  for (const api of ['IncrementalAlterConfigs', 'AlterConfigs']) {
    yield {
      id: `${api}: twice`,
      api,
      body: () => ({ resources: twice.map((one) => ({ ...one, configs: [] })), validateOnly: true }),
    };
    yield { id: `${api}: nothing`, api, body: () => ({ resources: [], validateOnly: true }) };
  }
  for (const resourceTypes of [[], [2], [4], [8], [16], [32], [2, 2], [1], [99]]) {
    yield {
      id: `ListConfigResources: ${resourceTypes}`,
      api: 'ListConfigResources',
      versions: (version) => version >= 1 || resourceTypes.length === 0,
      body: (version) => (version >= 1 ? { resourceTypes } : {}),
    };
  }
}

/** What is set before DescribeConfigs is asked again. */
const changes = [
  [topic, 'full', { 'retention.ms': '1000000', 'cleanup.policy': 'delete , compact', 'flush.ms': '7' }],
  [broker, '1', { 'log.retention.ms': '2000000', 'max.connections': '99' }],
  [
    broker,
    '',
    { 'log.retention.ms': '3000000', 'log.flush.interval.ms': '9', 'producer.id.expiration.ms': '4000000' },
  ],
  [group, 'g', { 'consumer.session.timeout.ms': '50000', 'share.isolation.level': 'read_committed' }],
  [metrics, 'm', { 'interval.ms': '1000', metrics: 'a, b', match: 'client_id=x' }],
];

/** All that DescribeConfigs returns for each key, before and after a value was set. */
function* contents() {
  const resources = [
    ['topic', topic, 'full'],
    ['broker', broker, '1'],
    ['brokers', broker, ''],
    ['group', group, 'g'],
    ['client metrics', metrics, 'm'],
    ['client metrics never set', metrics, 'absent'],
  ];
  const describe =
    (when, version) =>
    ([where, resourceType, resourceName]) => ({
      id: `DescribeConfigs: contents of ${where} ${when}`,
      api: 'DescribeConfigs',
      versions: (one) => one === version,
      body: () => ({
        resources: [{ resourceType, resourceName, configurationKeys: null }],
        includeSynonyms: true,
      }),
    });
  yield* resources.map(describe('at first', 4));
  for (const [resourceType, resourceName, values] of changes) {
    yield {
      id: `IncrementalAlterConfigs: set for contents of ${resourceType} '${resourceName}'`,
      api: 'IncrementalAlterConfigs',
      once: true,
      body: () => ({
        resources: [
          { resourceType, resourceName, configs: Object.entries(values).map(([key, text]) => op(key, text)) },
        ],
        validateOnly: false,
      }),
      keep: () => new Promise((resolve) => setTimeout(resolve, 300)),
    };
  }
  yield* resources.map(describe('with values', 4));
  yield* resources.map(describe('with values, old version', 1));
  yield* [[], [16], [32]].map((resourceTypes) => ({
    id: `ListConfigResources: ${resourceTypes} with values`,
    api: 'ListConfigResources',
    versions: (version) => version >= 1,
    body: () => ({ resourceTypes }),
  }));
  yield {
    id: 'ListConfigResources: client metrics of old',
    api: 'ListConfigResources',
    versions: (version) => version === 0,
    body: () => ({}),
  };
}

export function* configQuestions() {
  yield* values();
  yield* together();
  yield* operations();
  yield* resources();
  yield* contents();
}
