/** Decides which image's variables are used. One dialect applies as a whole: KAFKA_CFG_*, for example, has no meaning for cp-kafka. */
import type { Dialect, Environment } from './types.ts';

/** Variables that only one image has. */
const signs: readonly { dialect: Dialect; names: readonly RegExp[]; unless: readonly string[] }[] = [
  {
    dialect: 'bitnami',
    names: [
      /^KAFKA_CFG_(PROCESS_ROLES|NODE_ID|BROKER_ID|ZOOKEEPER_CONNECT)$/,
      /^(ALLOW_PLAINTEXT_LISTENER|KAFKA_ENABLE_KRAFT|KAFKA_KRAFT_CLUSTER_ID|BITNAMI_DEBUG)$/,
    ],
    // Platformatic's compose file gives KAFKA_CFG_* to cp-kafka, which ignores it.
    unless: ['KAFKA_PROCESS_ROLES', 'KAFKA_NODE_ID', 'KAFKA_ZOOKEEPER_CONNECT'],
  },
  {
    dialect: 'bitnami',
    names: [/^KAFKA_CFG_/, /^KAFKA_CLIENT_USERS$/],
    unless: ['KAFKA_PROCESS_ROLES', 'KAFKA_NODE_ID', 'KAFKA_BROKER_ID', 'KAFKA_ZOOKEEPER_CONNECT'],
  },
  {
    dialect: 'wurstmeister',
    names: [
      /^KAFKA_(ADVERTISED_HOST_NAME|ADVERTISED_PORT|CREATE_TOPICS|PORT|HOST_NAME)$/,
      /^KAFKA_(ADVERTISED_)?PROTOCOL_NAME$/,
      /^(HOSTNAME|PORT|BROKER_ID|RACK)_COMMAND$/,
    ],
    unless: ['KAFKA_PROCESS_ROLES', 'KAFKA_NODE_ID'],
  },
  { dialect: 'confluent', names: [/^(KAFKA_)?CONFLUENT_/, /^CUB_CLASSPATH$/], unless: [] },
  { dialect: 'confluent', names: [/^KAFKA_ZOOKEEPER_CONNECT$/], unless: ['KAFKA_PROCESS_ROLES'] },
];

export function chooseDialect(env: Environment, known: Dialect | null): { dialect: Dialect; why: string } {
  if (known !== null) return { dialect: known, why: 'the caller chose it' };
  const names = Object.keys(env).sort();
  for (const sign of signs) {
    if (sign.unless.some((name) => env[name] !== undefined)) continue;
    const found = names.find((name) => sign.names.some((pattern) => pattern.test(name)));
    if (found !== undefined) return { dialect: sign.dialect, why: `${found} is set` };
  }
  return { dialect: 'apache', why: 'no variable of another image is set' };
}
