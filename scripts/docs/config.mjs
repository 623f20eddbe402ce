/**
 * Makes docs/configuration.md from the property tables in src/config/. Run after a build: node scripts/docs/config.mjs.
 * The output is committed; a test checks that it is up to date.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const sections = [
  ['node', 'Identity, metadata quorum, listeners and sockets'],
  ['topics', 'Topic defaults, replication and fetching'],
  ['log', 'Partition logs'],
  ['coordinators', 'Groups, offsets and transactions'],
  ['operations', 'Quotas, metrics, policies'],
  ['security', 'Security'],
];

/** The text of the column "honoured": "yes", or "no" with the reason. */
const honouredBy =
  ({ reasonWithoutEffect }) =>
  (row, name) =>
    row.effect === 'honoured' ? 'yes' : `no: ${reasonWithoutEffect(name)}`;

const isPublic = ({ internal }) => !internal;

function table(rows, describe, columns, isShown = isPublic) {
  const lines = Object.entries(rows)
    .filter(([, row]) => isShown(row))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, row]) => {
      const [, type, value, valid] = describe(name, row).map((text) => text.replaceAll('|', '\\|'));
      const shown = value === 'must be set' ? value : `\`${value}\``;
      const cells = [
        `\`${name}\``,
        type,
        shown,
        valid === '' ? '' : `\`${valid}\``,
        ...columns(row, name),
        row.doc ?? '',
      ];
      return `| ${cells.join(' | ')} |`;
    });
  return lines.join('\n');
}

function internalRows({ own: _ours, ...tables }) {
  return Object.fromEntries(
    Object.values(tables)
      .flatMap(Object.entries)
      .filter(([, row]) => !isPublic(row)),
  );
}

/** Returns the sections about what is configured beside brokers: topics, groups, clients. */
function otherTables(config, describe) {
  const honoured = honouredBy(config);
  const out = [];
  out.push(
    '',
    '## Topics',
    '',
    'Set with `kafka-topics --create --config` or `kafka-configs --entity-type topics`; where a topic says nothing, the broker key decides.',
    '',
  );
  out.push(
    '| key | type | default | valid | broker key | honoured | what it does |\n|---|---|---|---|---|---|---|',
  );
  out.push(
    table(config.tables.topic, describe, (row, name) => [
      row.synonym === null ? '' : `\`${row.synonym}\``,
      honoured(row, name),
    ]),
  );
  out.push(
    '',
    '## Groups',
    '',
    '| key | type | default | valid | honoured | what it does |\n|---|---|---|---|---|---|',
  );
  out.push(table(config.tables.group, describe, (row, name) => [honoured(row, name)]));
  out.push(
    '',
    '## Client metrics subscriptions',
    '',
    'Set with `kafka-client-metrics`, or `kafka-configs --entity-type client-metrics`.',
    '',
    '| key | type | default | valid | honoured | what it does |\n|---|---|---|---|---|---|',
    table(config.tables.clientMetrics, describe, (row, name) => [honoured(row, name)]),
    '',
    '## Throttles of replication',
    '',
    'Set with `kafka-configs` or `kafka-reassign-partitions --throttle`, for one broker or for all; in a properties file they have no effect.',
    '',
    '| key | type | default | valid | honoured | what it does |\n|---|---|---|---|---|---|',
    table(config.tables.dynamicOnly, describe, (row, name) => [honoured(row, name)]),
    '',
    '## Users, clients and addresses',
    '',
    'Quotas, set with `kafka-configs` for `users`, `clients` and `ips`: [ops/quotas.md](ops/quotas.md) describes their keys.',
  );
  return out;
}

/** Returns the sections about keys that hardly anybody needs: those without effect, and Kafka's internal ones. */
function rareKeys(config, describe) {
  const honoured = honouredBy(config);
  const idle = { ...config.tables.tiered, ...config.tables.share };
  return [
    '',
    '## Accepted without effect',
    '',
    'Tiered storage, share groups and streams groups are not built. Their keys are accepted:',
    '',
    Object.keys(idle)
      .filter((name) => !idle[name].internal)
      .sort()
      .map((name) => `\`${name}\``)
      .join(', '),
    '',
    '## Internal keys',
    '',
    'Keys of Apache Kafka that its documentation does not have and `kafka-configs` does not show; most are for its own tests. They are accepted:',
    '',
    '| key | type | default | valid | honoured | what it does |\n|---|---|---|---|---|---|',
    table(
      internalRows(config.tables),
      describe,
      (row, name) => [honoured(row, name)],
      () => true,
    ),
  ];
}

/** Returns the text of the page. `config` contains the modules of src/config/. */
export function configurationPage(config) {
  const { documentationRow: describe } = config;
  const honoured = honouredBy(config);
  const out = [
    '# Configuration',
    '',
    'Every key of Apache Kafka 4.3 is understood, with its default and its bounds. Column "honoured" says whether setting a key',
    'has its effect: "yes", or "no" with the reason; a start warns of a key without effect that a user would expect to have one. Column "changes" says what can be altered',
    'with `kafka-configs` while a broker runs: for one broker, or for the whole cluster as well.',
    '',
    'Made by `scripts/docs/config.mjs` from the tables in `src/config/tables/`.',
  ];
  const head =
    '| key | type | default | valid | changes | honoured | what it does |\n|---|---|---|---|---|---|---|';
  const mode = { 'read-only': '', 'per-broker': 'per broker', 'cluster-wide': 'cluster-wide' };
  for (const [name, title] of sections) {
    const rows = config.tables[name];
    out.push(
      '',
      `## ${title}`,
      '',
      head,
      table(rows, describe, (row, name) => [mode[row.update], honoured(row, name)]),
    );
  }
  out.push(
    '',
    '## Bendemann’s own',
    '',
    'Apache Kafka has no such keys. `kafka-configs` shows one only where it was set.',
    '',
    head,
    table(
      config.tables.own,
      describe,
      (row, name) => [mode[row.update], honoured(row, name)],
      () => true,
    ),
  );
  out.push(...otherTables(config, describe), ...rareKeys(config, describe));
  return `${out.join('\n')}\n`;
}

/** Loads the modules that `configurationPage` needs. `load('tables/node')` imports one of them. */
export async function loadConfig(load) {
  const [
    node,
    topics,
    log,
    coordinators,
    operations,
    security,
    topic,
    entities,
    tiered,
    share,
    own,
    broker,
    describe,
    withoutEffect,
  ] = await Promise.all(
    [
      'tables/node',
      'tables/topics',
      'tables/log',
      'tables/coordinators',
      'tables/operations',
      'tables/security',
      'tables/topic',
      'tables/entities',
      'tables/tiered-storage',
      'tables/share-and-streams',
      'tables/own',
      'broker-properties',
      'describe',
      'without-effect',
    ].map(load),
  );
  return {
    documentationRow: describe.documentationRow,
    reasonWithoutEffect: withoutEffect.reasonWithoutEffect,
    tables: {
      node: node.nodeProperties,
      topics: topics.topicsProperties,
      log: log.logProperties,
      coordinators: coordinators.coordinatorsProperties,
      operations: operations.operationsProperties,
      security: security.securityProperties,
      own: own.ownProperties,
      topic: topic.topicProperties,
      group: entities.groupProperties,
      clientMetrics: entities.clientMetricsProperties,
      dynamicOnly: broker.dynamicOnlyProperties,
      tiered: tiered.tieredStorageProperties,
      share: share.shareAndStreamsProperties,
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = process.argv[2] ?? join(root, 'dist');
  const config = await loadConfig((name) => import(join(dist, 'config', `${name}.js`)));
  writeFileSync(join(root, 'docs/configuration.md'), configurationPage(config));
}
