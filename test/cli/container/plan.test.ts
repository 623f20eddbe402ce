import { expect, test } from 'vitest';
import { NodeConfig } from '../../../src/config/node-config.ts';
import { chooseDialect } from '../../../src/cli/container/choose-dialect.ts';
import { propertyName } from '../../../src/cli/container/draft.ts';
import { describePlan, isSecret, planContainer } from '../../../src/cli/container/plan.ts';
import { ContainerError, type ContainerPlan, type Dialect } from '../../../src/cli/container/types.ts';

function planOf(
  env: Record<string, string>,
  files: Record<string, string> = {},
  dialect: Dialect | null = null,
): ContainerPlan {
  return planContainer({ env, dialect, root: '', readFile: (path) => files[path] ?? null });
}

/** What the node sees; a plan whose properties the node refuses is none. */
function config(plan: ContainerPlan): NodeConfig {
  return new NodeConfig(new Map([...plan.properties].map(([key, { value }]) => [key, value])));
}

const values = (plan: ContainerPlan, ...keys: string[]): (string | undefined)[] =>
  keys.map((key) => plan.properties.get(key)?.value);

test.each<[string, string]>([
  ['LOG_RETENTION_HOURS', 'log.retention.hours'],
  ['ABC___DEF', 'abc-def'],
  ['ABC__DEF', 'abc_def'],
  [
    'LISTENER_NAME_SASL_SCRAM___SHA___256_SASL_JAAS_CONFIG',
    'listener.name.sasl.scram-sha-256.sasl.jaas.config',
  ],
  ['A____B', 'a-.b'],
])('KAFKA_%s is %s', (rest, name) => {
  expect(propertyName(rest)).toBe(name);
});

test.each<[Record<string, string>, Dialect]>([
  [{}, 'apache'],
  [{ KAFKA_PROCESS_ROLES: 'broker' }, 'apache'],
  [{ KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://a:1' }, 'apache'],
  [{ KAFKA_ZOOKEEPER_CONNECT: 'z:2181', KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://a:1' }, 'confluent'],
  [{ CONFLUENT_SUPPORT_METRICS_ENABLE: '0', KAFKA_PROCESS_ROLES: 'broker' }, 'confluent'],
  [{ KAFKA_CFG_NODE_ID: '0', KAFKA_CFG_PROCESS_ROLES: 'controller,broker' }, 'bitnami'],
  [{ ALLOW_PLAINTEXT_LISTENER: 'yes', KAFKA_BROKER_ID: '1' }, 'bitnami'],
  [{ KAFKA_CFG_ZOOKEEPER_CONNECT: 'z:2181' }, 'bitnami'],
  // Platformatic's compose file, whose image is cp-kafka: KAFKA_CFG_* means nothing there.
  [
    { KAFKA_NODE_ID: '1', KAFKA_PROCESS_ROLES: 'broker', KAFKA_CFG_DEFAULT_REPLICATION_FACTOR: '3' },
    'apache',
  ],
  [{ KAFKA_ADVERTISED_HOST_NAME: 'localhost', KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181' }, 'wurstmeister'],
  [{ KAFKA_CREATE_TOPICS: 'a:1:1' }, 'wurstmeister'],
])('%o is of the dialect %s', (env, dialect) => {
  expect(chooseDialect(env, null).dialect).toBe(dialect);
});

test('without any variable the container is one combined node that clients of the host reach as localhost:9092', () => {
  const plan = planOf({});
  const node = config(plan);
  expect(node.isBroker && node.isController).toBe(true);
  expect(node.advertisedListeners).toMatchObject([{ host: 'localhost', port: 9092 }]);
  expect(node.logDirs).toEqual(['/var/lib/kafka/data']);
  expect(plan.clusterId).toBe('5L6g3nShT-eMCtK--X86sw');
  expect(plan.properties.get('num.partitions')?.origin).toBe('packaged default');
});

test('apache: a variable overrides the mounted file, and the packaged defaults do not apply', () => {
  const file =
    'process.roles=broker,controller\nnode.id=3\ncontroller.listener.names=CONTROLLER\nnum.partitions=4\ncontroller.quorum.voters=3@localhost:9093\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n';
  const plan = planOf({ KAFKA_NUM_PARTITIONS: '7' }, { '/mnt/shared/config/server.properties': file });
  expect(plan.properties.get('num.partitions')).toEqual({ value: '7', origin: 'KAFKA_NUM_PARTITIONS' });
  expect(plan.properties.get('node.id')?.origin).toBe('/mnt/shared/config/server.properties');
  expect(values(plan, 'offsets.topic.replication.factor', 'advertised.listeners')).toEqual([
    undefined,
    undefined,
  ]);
  expect(config(plan).nodeId).toBe(3);
});

test('apache: listeners are derived from advertised.listeners, also with IPv6 addresses; a controller may not advertise any', () => {
  const roles = { KAFKA_PROCESS_ROLES: 'broker', KAFKA_NODE_ID: '1', CLUSTER_ID: 'x'.repeat(22) };
  const plan = planOf({ ...roles, KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://broker:19092,HOST://[::1]:9092' });
  expect(values(plan, 'listeners')).toEqual(['PLAINTEXT://0.0.0.0:19092,HOST://0.0.0.0:9092']);
  expect(plan.clusterId).toBe('x'.repeat(22));
  const controller = { KAFKA_PROCESS_ROLES: 'controller', KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://a:1' };
  expect(() => planOf(controller)).toThrow(ContainerError);
});

test('apache: key stores and their passwords are read from the secrets folder; the error names a missing file', () => {
  const env = {
    KAFKA_SSL_KEYSTORE_FILENAME: 'broker.p12',
    KAFKA_SSL_KEYSTORE_CREDENTIALS: 'creds',
    KAFKA_SSL_KEY_CREDENTIALS: 'creds',
  };
  const files = { '/etc/kafka/secrets/broker.p12': '…', '/etc/kafka/secrets/creds': 'secret\n' };
  const plan = planOf(env, files);
  expect(values(plan, 'ssl.keystore.location', 'ssl.keystore.password', 'ssl.key.password')).toEqual([
    '/etc/kafka/secrets/broker.p12',
    'secret',
    'secret',
  ]);
  expect(describePlan(plan)).not.toContain('=secret');
  expect(() => planOf(env, { '/etc/kafka/secrets/broker.p12': '…' })).toThrow('/etc/kafka/secrets/creds');
});

test('confluent: a broker with ZooKeeper becomes one combined node with a free controller port', () => {
  const plan = planOf({
    KAFKA_BROKER_ID: '2',
    KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181',
    KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka1:29093,HOST://localhost:9093',
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,HOST:PLAINTEXT',
    KAFKA_CONFLUENT_BALANCER_ENABLE: 'true',
  });
  expect(plan.dialect).toBe('confluent');
  const node = config(plan);
  expect(node.nodeId).toBe(2);
  expect(node.controllerListeners).toMatchObject([{ port: 19_093, host: 'localhost' }]);
  expect(node.get('offsets.topic.replication.factor')).toBe(1);
  expect(node.warnings).toEqual([]);
  expect(plan.notes.join('\n')).toContain('zookeeper.connect');
  expect(plan.notes.join('\n')).toContain('confluent.balancer.enable');
});

test('wurstmeister: the variables of old tutorials give a node with listeners and topics', () => {
  const plan = planOf({
    KAFKA_ADVERTISED_HOST_NAME: 'localhost',
    KAFKA_ADVERTISED_PORT: '19092',
    KAFKA_CREATE_TOPICS: 'test_topic:1:1, compacted:3:1:compact',
    KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181',
    KAFKA_METRICS_PORT: '1234',
  });
  expect(plan.dialect).toBe('wurstmeister');
  const node = config(plan);
  expect(node.advertisedListeners).toMatchObject([{ name: 'PLAINTEXT', host: 'localhost', port: 19_092 }]);
  expect(node.brokerListeners).toMatchObject([{ host: '', port: 9092 }]);
  expect(node.get('metrics.port')).toBe(1234);
  expect(node.warnings).toEqual([]);
  expect(plan.topics).toEqual([
    { name: 'test_topic', partitions: 1, replicationFactor: 1, cleanupPolicy: null },
    { name: 'compacted', partitions: 3, replicationFactor: 1, cleanupPolicy: 'compact' },
  ]);
});

test('wurstmeister: listeners are joined from their parts, topics split at the separator, and the output of a command replaces its name', () => {
  const plan = planOf({
    KAFKA_ADVERTISED_HOST_NAME: 'outside',
    KAFKA_ADVERTISED_PROTOCOL_NAME: 'OUTSIDE',
    KAFKA_ADVERTISED_PORT: '9094',
    KAFKA_PROTOCOL_NAME: 'INSIDE',
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT',
    KAFKA_CREATE_TOPICS: 'a:1:1\nb:2:1',
    KAFKA_CREATE_TOPICS_SEPARATOR: "$'\\n'",
  });
  const node = config(plan);
  expect(node.brokerListeners).toMatchObject([
    { name: 'OUTSIDE', port: 9094 },
    { name: 'INSIDE', port: 9092 },
  ]);
  expect(node.interBrokerListenerName).toBe('INSIDE');
  expect(plan.topics.map(({ name }) => name)).toEqual(['a', 'b']);
  const named = planOf({
    KAFKA_ADVERTISED_HOST_NAME: 'host7',
    KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://_{HOSTNAME_COMMAND}:9094',
  });
  expect(values(named, 'advertised.listeners')).toEqual(['PLAINTEXT://host7:9094']);
  expect(() => planOf({ KAFKA_CREATE_TOPICS: 'a' })).toThrow('name:partitions:replicas');
});

test('bitnami: KAFKA_CFG_ variables set properties, the others have the defaults of the image, and users become login modules', () => {
  const plan = planOf(
    {
      KAFKA_CFG_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093,CLIENT://:9095',
      KAFKA_CFG_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:9092,CLIENT://localhost:9095',
      KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP:
        'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:SASL_PLAINTEXT',
      KAFKA_CFG_SASL_ENABLED_MECHANISMS: 'PLAIN,SCRAM-SHA-256',
      KAFKA_CLIENT_USERS: 'alice,bob',
      KAFKA_CLIENT_PASSWORDS_FILE: '/run/secrets/passwords',
      KAFKA_KRAFT_CLUSTER_ID: 'abcdefghijklmnopqrstuv',
      ALLOW_PLAINTEXT_LISTENER: 'yes',
    },
    { '/run/secrets/passwords': 'a-secret,b-secret\n' },
  );
  expect(plan.dialect).toBe('bitnami');
  expect(plan.clusterId).toBe('abcdefghijklmnopqrstuv');
  expect(values(plan, 'process.roles', 'node.id', 'log.dirs')).toEqual([
    'broker,controller',
    '1',
    '/bitnami/kafka/data',
  ]);
  expect(values(plan, 'listener.name.client.plain.sasl.jaas.config')[0]).toContain('user_alice="a-secret"');
  expect(plan.formatArguments).toContain('SCRAM-SHA-256=[name=bob,password=b-secret]');
  expect(describePlan(plan)).not.toMatch(/a-secret|b-secret/);
});

test('bitnami: a node of a cluster and a broker with ZooKeeper are planned, and a mounted file overrides the variables', () => {
  const member = planOf({
    KAFKA_CFG_NODE_ID: '0',
    KAFKA_CFG_PROCESS_ROLES: 'controller,broker',
    KAFKA_CFG_CONTROLLER_QUORUM_VOTERS: '0@kafka-0:9093,1@kafka-1:9093',
    KAFKA_CFG_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    KAFKA_CFG_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  });
  expect(config(member).voters.map(({ id }) => id)).toEqual([0, 1]);
  expect(values(member, 'offsets.topic.replication.factor')).toEqual([undefined]);
  const old = planOf({
    KAFKA_BROKER_ID: '5',
    KAFKA_CFG_ZOOKEEPER_CONNECT: 'z:2181',
    ALLOW_PLAINTEXT_LISTENER: 'yes',
  });
  expect(config(old).nodeId).toBe(5);
  const file = 'process.roles=broker\nnode.id=9\n';
  const mounted = planOf({ KAFKA_CFG_NODE_ID: '1' }, { '/bitnami/kafka/config/server.properties': file });
  expect(values(mounted, 'node.id')).toEqual(['9']);
  expect(mounted.notes[0]).toContain('without the variables');
});

test('a controller without voters begins a quorum alone if it names one controller; with several the error names the missing variable', () => {
  const env = { KAFKA_PROCESS_ROLES: 'broker,controller', KAFKA_NODE_ID: '1' };
  expect(planOf({ ...env, KAFKA_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS: 'a:9093' }).formatArguments).toEqual([
    '--standalone',
  ]);
  const three = { ...env, KAFKA_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS: 'a:9093,b:9093,c:9093' };
  expect(() => planOf(three)).toThrow('KAFKA_CONTROLLER_QUORUM_VOTERS');
  expect(
    planOf({ ...three, KAFKA_INITIAL_CONTROLLERS: '1@a:9093:AAAAAAAAAAAAAAAAAAAAAQ' }).formatArguments[0],
  ).toBe('--initial-controllers');
});

test('passwords, JAAS configurations and tokens are secret, other properties are not', () => {
  expect(
    ['ssl.key.password', 'listener.name.a.plain.sasl.jaas.config', 'my.plugin.token'].every(isSecret),
  ).toBe(true);
  expect(['listeners', 'log.dirs', 'ssl.keystore.location'].some(isSecret)).toBe(false);
});
