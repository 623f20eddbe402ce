/**
 * Decides by which image's rules (the dialect) the variables are read. One dialect applies to all variables, because the images
 * read the same names differently: cp-kafka, for example, ignores KAFKA_CFG_*.
 */
import type { Dialect, Environment } from './types.ts';

/**
 * Variables that tell the image, because only that image has them. A sign does not count when one of the variables `unless` is
 * set. The first sign that counts decides.
 */
const signs: readonly { dialect: Dialect; names: readonly RegExp[]; unless: readonly string[] }[] = [
  {
    dialect: 'bitnami',
    names: [
      /^KAFKA_CFG_(PROCESS_ROLES|NODE_ID|BROKER_ID|ZOOKEEPER_CONNECT)$/,
      /^(ALLOW_PLAINTEXT_LISTENER|KAFKA_ENABLE_KRAFT|KAFKA_KRAFT_CLUSTER_ID|BITNAMI_DEBUG)$/,
    ],
    // Platformatic's Compose file sets KAFKA_CFG_* for the image cp-kafka, which ignores them.
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
