import { expect, test } from 'vitest';
import {
  problemAtBroker,
  validateBrokerConfig,
  validateClientMetricsConfig,
  validateGroupConfig,
} from '../../src/config/alter.ts';
import { brokerProperties } from '../../src/config/broker-properties.ts';
import { type Property, checkValue, longMax } from '../../src/config/define.ts';
import { describeBroker } from '../../src/config/describe.ts';
import { NodeConfig } from '../../src/config/node-config.ts';
import { combined, error } from './combined-file.ts';

test('defaults obey their own rows', () => {
  for (const [name, property] of Object.entries<Property>(brokerProperties)) {
    if (property.default !== undefined) checkValue(name, property, property.default);
  }
});

test('a combined node', () => {
  const config = NodeConfig.parse(combined);
  expect([config.nodeId, config.isBroker, config.isController]).toEqual([1, true, true]);
  expect(config.voters).toEqual([{ id: 1, host: 'localhost', port: 9093 }]);
  expect(config.listeners).toEqual([
    { name: 'PLAINTEXT', host: '', port: 9092, securityProtocol: 'PLAINTEXT' },
    { name: 'CONTROLLER', host: '', port: 9093, securityProtocol: 'PLAINTEXT' },
  ]);
  expect(config.advertisedListeners.map((l) => l.name)).toEqual(['PLAINTEXT']);
  expect(config.controllerListeners.map((l) => l.port)).toEqual([9093]);
  expect(config.advertisesExplicitly).toBe(false);
  expect(config.interBrokerListenerName).toBe('PLAINTEXT');
  expect(config.logDirs).toEqual(['/data/a', '/data/b']);
  expect(config.metadataLogDir).toBe('/data/a');
  expect(config.get('log.segment.bytes')).toBe(1_073_741_824);
  expect(config.get('log.flush.interval.messages')).toBe(longMax);
  expect(config.get('broker.id')).toBe(1);
  expect(config.warnings).toEqual([]);
});

test('IPv6, several controllers, advertised addresses, broker only', () => {
  const config = NodeConfig.parse(`process.roles=broker
node.id=7
controller.quorum.bootstrap.servers=[::1]:9093,c2:9093
controller.listener.names=CTL
listeners=INSIDE://[::]:9092,OUTSIDE://0.0.0.0:9094
advertised.listeners=INSIDE://[fd00::7]:9092,OUTSIDE://kafka.example:19094
inter.broker.listener.name=INSIDE
listener.security.protocol.map=CTL:PLAINTEXT,INSIDE:PLAINTEXT,OUTSIDE:SSL
`);
  expect(config.bootstrapServers).toEqual([
    { host: '::1', port: 9093 },
    { host: 'c2', port: 9093 },
  ]);
  expect(config.advertisedListeners[0]).toEqual({
    name: 'INSIDE',
    host: 'fd00::7',
    port: 9092,
    securityProtocol: 'PLAINTEXT',
  });
  expect(config.securityProtocolOf('outside')).toBe('SSL');
});

const without = (key: string) => combined.replace(new RegExp(`^${key}=.*\n`, 'm'), '');
const refusals: [string, string][] = [
  [without('node.id'), 'Missing required configuration "node.id" which has no default value.'],
  [without('process.roles'), 'Missing required configuration "process.roles" which has no default value.'],
  [
    without('controller.listener.names'),
    'Missing required configuration "controller.listener.names" which has no default value.',
  ],
  [
    `${combined}node.id=2`,
    "If process.roles contains the 'controller' role, the node id 2 must be included in the set of voters controller.quorum.voters=Set(1)",
  ],
  [
    `${combined}process.roles=broker\ncontroller.quorum.auto.join.enable=true`,
    "controller.quorum.auto.join.enable is only supported when process.roles contains the 'controller' role.",
  ],
  [
    `${combined}process.roles=broker`,
    "If process.roles contains just the 'broker' role, the node id 1 must not be included in the set of voters controller.quorum.voters=Set(1)",
  ],
  [`${combined}broker.id=3`, 'You must set `node.id` to the same value as `broker.id`.'],
  [`${combined}node.id=-2`, 'Invalid value -2 for configuration node.id: Value must be at least 0'],
  [
    `${combined}log.dirs=`,
    "Configuration 'log.dirs' must not be empty. Valid values include: any non-empty value",
  ],
  [
    `${combined}num.partitions=x`,
    'Invalid value x for configuration num.partitions: Not a number of type INT',
  ],
  [
    `${combined}num.partitions=0`,
    'Invalid value 0 for configuration num.partitions: Value must be at least 1',
  ],
  [
    `${combined}auto.create.topics.enable=maybe`,
    'Invalid value maybe for configuration auto.create.topics.enable: Expected value to be either true or false',
  ],
  [
    `${combined}log.cleaner.min.cleanable.ratio=2`,
    'Invalid value 2.0 for configuration log.cleaner.min.cleanable.ratio: Value must be no more than 1',
  ],
  [
    `${combined}compression.gzip.level=0`,
    'Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1',
  ],
  [
    `${combined}compression.type=foo`,
    'Invalid value foo for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
  ],
  [
    `${combined}controller.quorum.voters=1`,
    'Invalid configuration value for controller.quorum.voters. Each entry should be in the form `{id}@{host}:{port}`.',
  ],
  [
    `${combined}listeners=PLAINTEXT:9092`,
    "Error creating broker listeners from '[PLAINTEXT:9092]': Unable to parse PLAINTEXT:9092 to a broker endpoint",
  ],
  [
    `${combined}listeners=PLAINTEXT://:9092,CONTROLLER://:9092`,
    "Error creating broker listeners from '[PLAINTEXT://:9092, CONTROLLER://:9092]': Each listener must have a different port, listeners: [PLAINTEXT://:9092, CONTROLLER://:9092]",
  ],
  [
    `${combined}listeners=EXTERNAL://:9092,CONTROLLER://:9093`,
    "Error creating broker listeners from '[EXTERNAL://:9092, CONTROLLER://:9093]': No security protocol defined for listener EXTERNAL",
  ],
  [
    `${combined}listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093`,
    'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.',
  ],
  [
    `${combined}advertised.listeners=PLAINTEXT://0.0.0.0:9092`,
    'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.',
  ],
  [
    `${combined}inter.broker.listener.name=FOO`,
    'Listener with name FOO defined in inter.broker.listener.name not found in listener.security.protocol.map.',
  ],
  [
    `${combined}controller.listener.names=CONTROLLER,OTHER\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OTHER:PLAINTEXT`,
    "controller.listener.names must only contain values appearing in the 'listeners' configuration when running the KRaft controller role",
  ],
  [
    'process.roles=controller\nnode.id=1\ncontroller.listener.names=C\nlisteners=PLAINTEXT://:1\ncontroller.quorum.voters=1@h:1',
    'The listeners config must only contain KRaft controller listeners from controller.listener.names when process.roles=controller',
  ],
  [
    `${combined}principal.builder.class=nope`,
    'Invalid value nope for configuration principal.builder.class: Class nope could not be found.',
  ],
  [
    `${combined}cordoned.log.dirs=/nope`,
    'All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : /nope',
  ],
  [
    `${combined}listeners=PLAINTEXT://:9092`,
    "controller.listener.names must contain at least one value appearing in the 'listeners' configuration when running the KRaft controller role",
  ],
  [
    `${combined}process.roles=controller`,
    'The listeners config must only contain KRaft controller listeners from controller.listener.names when process.roles=controller',
  ],
  [
    `${combined}listeners=CONTROLLER://:9093`,
    'There must be at least one broker advertised listener. Perhaps all listeners appear in controller.listener.names?',
  ],
  [
    `${combined}listener.security.protocol.map=CONTROLLER:FOO`,
    'Invalid security protocol `FOO` defined in listener.security.protocol.map',
  ],
  [
    `${combined}log.retention.hours=0`,
    'log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
  ],
];

test.each(refusals)('an invalid file is refused with the message of Kafka 4.3.1: %#', (text, message) => {
  expect(error(text)).toBe(message);
});

test('a file for ZooKeeper is refused with a remedy', () => {
  expect(error('broker.id=0\nzookeeper.connect=localhost:2181\nlog.dirs=/x\n')).toMatch(
    /ZooKeeper.*process\.roles=broker,controller/s,
  );
});

test('warnings: typing errors, old keys, keys without effect', () => {
  const config = NodeConfig.parse(
    `${combined}log.segment.byte=1\nzookeeper.connect=x\nremote.fetch.max.wait.ms=7\nsuper.users=User:a\nzzz.zzz=1\nmy.very.own.setting=1\nlistener.name.plaintext.ssl.client.auth=required\nlistener.name.plaintext.max.connections=7`,
  );
  expect(config.warnings).toEqual([
    'Unknown configuration log.segment.byte has no effect; did you mean log.segment.bytes?',
    'Configuration zookeeper.connect does not exist any more in Kafka 4 and has no effect: remove it',
    'Configuration remote.fetch.max.wait.ms has no effect; remove it. Reason: Tiered storage is not built yet.',
    'Configuration super.users has no effect; remove it. Reason: ACLs are not built yet.',
    'Unknown configuration zzz.zzz has no effect: remove it, or correct its name',
    'Unknown configuration my.very.own.setting has no effect: remove it, or correct its name',
    'Configuration listener.name.plaintext.ssl.client.auth has no effect; remove it. Reason: TLS, SASL and ACLs are not built yet.',
  ]);
});

test('a replication rate for all brokers is in force on a broker without one of its own', () => {
  const key = 'leader.replication.throttled.rate';
  const config = NodeConfig.parse(combined);
  const inForce = (cluster: string | null, own: string | null): number => {
    const values = (value: string | null): Map<string, string> =>
      new Map(value === null ? [] : [[key, value]]);
    config.applyDynamic(values(cluster), values(own));
    return config.rate(key);
  };
  expect(inForce('1000', null)).toBe(1000);
  expect(inForce('1000', '2000')).toBe(2000);
  expect(inForce(null, null)).toBe(Number.MAX_SAFE_INTEGER);
});

test('dynamic values of the broker override those of the cluster and the file; bindings get changes only', () => {
  const config = NodeConfig.parse(`${combined}message.max.bytes=1000`);
  const binding = config.bind('message.max.bytes');
  const heard: number[] = [];
  const stop = binding.onChange((value) => heard.push(value));
  expect(config.applyDynamic(new Map([['message.max.bytes', '2000']]), new Map())).toEqual([]);
  config.applyDynamic(new Map([['message.max.bytes', '2000']]), new Map([['log.cleaner.threads', '2']]));
  config.applyDynamic(new Map([['message.max.bytes', '2000']]), new Map([['message.max.bytes', '3000']]));
  expect(
    config.applyDynamic(
      new Map([
        ['node.id', '9'],
        ['message.max.bytes', 'x'],
      ]),
      new Map(),
    ),
  ).toEqual(['node.id', 'message.max.bytes']);
  stop();
  config.applyDynamic(new Map([['message.max.bytes', '4000']]), new Map());
  expect(heard).toEqual([2000, 3000, 1000]);
  expect(binding.value).toBe(4000);
  expect(describeBroker(config, ['message.max.bytes'])).toMatchObject([
    {
      value: '4000',
      source: 3,
      readOnly: false,
      synonyms: [
        { value: '4000', source: 3 },
        { value: '1000', source: 4 },
        { value: '1048588', source: 5 },
      ],
    },
  ]);
});

test('listener values, passwords and unknown keys', () => {
  const config = NodeConfig.parse(
    `${combined}listener.name.plaintext.max.connections=5\nssl.key.password=secret\nmystery=1`,
  );
  expect(config.listenerValue('PLAINTEXT', 'max.connections')).toBe(5);
  expect(config.listenerValue('CONTROLLER', 'max.connections')).toBe(2_147_483_647);
  const shown = describeBroker(config, ['ssl.key.password', 'mystery']);
  expect(shown.map((entry) => [entry.value, entry.isSensitive, entry.type])).toEqual([
    [null, true, 9],
    [null, true, 0],
  ]);
  expect(JSON.stringify(shown)).not.toContain('secret');
});

test('only dynamic properties can be altered at run time', () => {
  const wrong = (values: Record<string, string>, perBroker: boolean) => {
    try {
      validateBrokerConfig(new Map(Object.entries(values)), perBroker);
      return 'fine';
    } catch (problem) {
      return (problem as Error).message;
    }
  };
  expect(wrong({ 'log.retention.ms': '1', 'x.y': 'z' }, false)).toBe('fine');
  expect(wrong({ 'node.id': '1' }, true)).toBe('Cannot update these configs dynamically: [node.id]');
  expect(wrong({ listeners: 'PLAINTEXT://:1' }, false)).toBe(
    'Cannot update these configs at default cluster level, broker id must be specified: [listeners]',
  );
  expect(wrong({ 'ssl.keystore.location': 'a' }, true)).toMatch(
    /only per-listener using the listener prefix/,
  );
  expect(wrong({ 'log.retention.ms': 'a' }, true)).toBe(
    'Invalid value a for configuration log.retention.ms: Not a number of type LONG',
  );
});

test('values of groups and client metrics subscriptions are validated', () => {
  const config = NodeConfig.parse(
    'process.roles=controller\nnode.id=1\ncontroller.listener.names=C\nlisteners=C://:1\ncontroller.quorum.voters=1@h:1',
  );
  const group = (values: Record<string, string>) => () =>
    validateGroupConfig(new Map(Object.entries(values)), config);
  expect(group({ 'consumer.session.timeout.ms': '50000' })).not.toThrow();
  expect(group({ 'consumer.session.timeout.ms': '1' })).toThrow(
    'consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms',
  );
  expect(group({ nope: '1' })).toThrow('Unknown group config name: nope');
  const low = NodeConfig.parse(
    `${combined}group.consumer.min.session.timeout.ms=1\ngroup.consumer.min.heartbeat.interval.ms=1`,
  );
  const besideHeartbeat = (session: string) => () =>
    validateGroupConfig(new Map([['consumer.session.timeout.ms', session]]), low);
  expect(besideHeartbeat('5000')).toThrow(
    'consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms',
  );
  expect(besideHeartbeat('5001')).not.toThrow();
  const metrics = (values: Record<string, string>) => () =>
    validateClientMetricsConfig(new Map(Object.entries(values)));
  expect(metrics({ 'interval.ms': '100', match: 'client_id=a.*' })).not.toThrow();
  expect(metrics({ 'interval.ms': '5' })).toThrow(
    'Invalid value 5 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
  );
  expect(metrics({ match: 'planet=earth' })).toThrow('Illegal client matching pattern: planet=earth');
});

test("values that do not fit the broker's other values are refused with messages of Kafka 4.3.1", () => {
  const config = NodeConfig.parse(`${combined}log.dirs=/a,/b`);
  const dynamic = (why: string) =>
    `Invalid value org.apache.kafka.common.config.ConfigException: ${why} for configuration Invalid dynamic configuration`;
  const dedupe =
    'requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.';
  const [ms, bytes] = ['log.local.retention.ms', 'log.local.retention.bytes'];
  const cases: [Record<string, string>, string | null][] = [
    [{ 'log.cleaner.dedupe.buffer.size': '1048576' }, dedupe],
    [{ 'log.cleaner.dedupe.buffer.size': '2097152' }, null],
    [{ 'log.cleaner.threads': '2', 'log.cleaner.dedupe.buffer.size': '2097153' }, dedupe],
    [
      { 'max.connections.per.ip': '0' },
      'requirement failed: max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
    ],
    [{ 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': 'a:1' }, null],
    [
      { 'cordoned.log.dirs': '/a,/x,/y' },
      'requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : /x, /y',
    ],
    [
      { 'cordoned.log.dirs': '*,/a' },
      'requirement failed: When cordoned.log.dirs is set to *, it must not contain other values',
    ],
    [{ 'cordoned.log.dirs': '/a' }, null],
    [
      { [ms]: '604800001' },
      dynamic(
        `Invalid value 604800001 for configuration ${ms}: Value must not be more than log.retention.ms property value: 604800000`,
      ),
    ],
    [{ 'log.retention.ms': '-1', [ms]: '11' }, null],
    [
      { 'log.retention.bytes': '10', [bytes]: '-1' },
      dynamic(
        `Invalid value -1 for configuration ${bytes}: Value must not be -1 as log.retention.bytes value is set as 10.`,
      ),
    ],
    [{ 'log.roll.ms': '0' }, 'requirement failed: log.roll.ms must be greater than or equal to 1'],
    [
      { 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT' },
      "Error creating broker listeners from '[PLAINTEXT://:9092, CONTROLLER://:9093]': No security protocol defined for listener CONTROLLER",
    ],
    // What the controller refuses with its own words is left to it.
    [{ 'log.retention.ms': 'x', 'log.roll.ms': '0' }, null],
    [{ 'node.id': '2', 'log.roll.ms': '0' }, null],
  ];
  for (const [values, problem] of cases) {
    const after = new Map(Object.entries(values));
    expect(problemAtBroker(after, config, true), JSON.stringify(values)).toBe(problem);
  }
});

test('zero connections and metrics reporter classes are refused with messages of Kafka 4.3.1', () => {
  const reporters =
    'Validation of dynamic config update of Set(metric.reporters) failed with class class kafka.server.DynamicMetricsReporters';
  for (const [name, why] of [
    ['max.connections', 'Invalid max.connections 0'],
    ['max.connection.creation.rate', 'Invalid max.connection.creation.rate 0'],
    ['metric.reporters', reporters],
  ] as const) {
    expect(() => validateBrokerConfig(new Map([[name, '0']]), false)).toThrow(
      `Invalid value org.apache.kafka.common.config.ConfigException: ${why} for configuration Invalid dynamic configuration`,
    );
  }
});

test('an unparsable value is refused as such, even where only one broker may have the property', () => {
  const refused = (text: string) => () => validateBrokerConfig(new Map([['ssl.client.auth', text]]), false);
  expect(refused('x')).toThrow(
    'Invalid value x for configuration ssl.client.auth: String must be one of: required, requested, none',
  );
  expect(refused('none')).toThrow(/at default cluster level, broker id must be specified/);
});

/** Value of a group's key → what Kafka 4.3.1 answers after "Invalid value … for configuration …: ", the whole text, or null. */
const groupAnswers: [name: string, text: string, message: string | null][] = [
  ['consumer.session.timeout.ms', '-1', 'Value must be at least 1'],
  ['consumer.session.timeout.ms', '0', 'Value must be at least 1'],
  ['consumer.heartbeat.interval.ms', '-1', 'Value must be at least 1'],
  ['streams.num.standby.replicas', '2', null],
  [
    'streams.num.standby.replicas',
    '3',
    'streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas',
  ],
  ...['latest', 'earliest', ' latest ', 'by_duration:PT1H', 'by_duration:P1D', 'by_duration:pt1.5s'].map(
    (text): [string, string, null] => ['share.auto.offset.reset', text, null],
  ),
  ...['nope', '', 'LATEST', 'by_duration:x', 'by_duration:-PT1H', 'by_duration:PT', 'by_duration:P'].map(
    (text): [string, string, string] => [
      'share.auto.offset.reset',
      text,
      `Invalid value \`${text}\` for configuration share.auto.offset.reset. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`,
    ],
  ),
];

test.each(groupAnswers)('group configuration %s=%j', (name, text, message) => {
  const check = () => validateGroupConfig(new Map([[name, text]]), NodeConfig.parse(combined));
  if (message === null) expect(check).not.toThrow();
  else
    expect(check).toThrow(
      message.startsWith(name) ? message : `Invalid value ${text} for configuration ${name}: ${message}`,
    );
});

test('thread counts can change by a factor of two at most', () => {
  const config = NodeConfig.parse(
    'process.roles=controller\nnode.id=1\ncontroller.listener.names=C\nlisteners=C://:1\ncontroller.quorum.voters=1@h:1',
  );
  const problem = (name: string, value: string) => problemAtBroker(new Map([[name, value]]), config, true);
  expect(problem('num.io.threads', '16')).toBeNull();
  expect(problem('num.io.threads', '4')).toBeNull();
  expect(problem('num.io.threads', '17')).toContain('should not be greater than double the current value 8');
  expect(problem('num.io.threads', '3')).toContain('value should be at least half the current value 8');
  expect(problem('log.cleaner.threads', '3')).toContain(
    'cannot be increased to more than double the current value 1',
  );
});

test('backslashes in Windows paths become slashes, those in other paths stay', () => {
  const text = `${combined}log.dirs=C:\\\\tmp\\\\logs, \\\\\\\\host\\\\share,/a\\\\b\nmetadata.log.dir=D:\\\\meta\n`;
  const config = NodeConfig.parse(text.replaceAll('\n', '\r\n'));
  expect(config.logDirs).toEqual(['C:/tmp/logs', '//host/share', '/a\\b']);
  expect(config.metadataLogDir).toBe('D:/meta');
});

test('an advertised listener of a running broker cannot be removed, and no protocol can change', () => {
  const map = 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,EXTRA:PLAINTEXT,OTHER:PLAINTEXT';
  const own = 'PLAINTEXT://:9092,CONTROLLER://:9093';
  const config = NodeConfig.parse(`${combined}listener.security.protocol.map=${map}\n`);
  const problem = (listeners: string, protocols = map): string | null =>
    problemAtBroker(
      new Map([
        ['listeners', listeners],
        ['listener.security.protocol.map', protocols],
      ]),
      config,
      true,
    );
  const both = `${own},EXTRA://:9094,OTHER://:9095`;
  expect(problem(both)).toBeNull();
  config.applyDynamic(new Map(), new Map([['listeners', both]]));
  const wrong = (why: string): string =>
    `Invalid value org.apache.kafka.common.config.ConfigException: ${why} for configuration Invalid dynamic configuration`;
  expect(problem(`${own},EXTRA://:9094`)).toBe(
    wrong(
      "Advertised listeners 'Set(ListenerName(PLAINTEXT), ListenerName(EXTRA), ListenerName(OTHER))' must be a subset of listeners 'Set(ListenerName(PLAINTEXT), ListenerName(CONTROLLER), ListenerName(EXTRA))'",
    ),
  );
  expect(problem(both, map.replace('EXTRA:PLAINTEXT', 'EXTRA:SSL'))).toBe(
    wrong('Security protocol cannot be updated for existing listener ListenerName(EXTRA)'),
  );
});
