/** docs/scheduled-tasks.md says when the tasks of a node run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { groupConfig } from '../../src/broker/groups/group-config.ts';
import { txnConfig } from '../../src/broker/txn/txn-config.ts';
import { isBrokerKey } from '../../src/config/broker-properties.ts';
import { NodeConfig } from '../../src/config/node-config.ts';
import { ActiveController } from '../../src/controller/active-controller.ts';
import { createShard as createGroupShard } from '../../src/group/shard.ts';
import { logManagerSettings } from '../../src/log/manager/log-settings.ts';
import { taskTimes } from '../../src/log/manager/scheduled-tasks.ts';
import { emptyImage } from '../../src/metadata/image.ts';
import { controllerSettings } from '../../src/server/controller/controller-settings.ts';
import { createShard as createTxnShard } from '../../src/txn/shard.ts';
import { seededRandom } from '../controller/harness.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/scheduled-tasks.md'), 'utf8');
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| task'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| /, '').replaceAll('`', '')))
  .map(([task = '', first = '', later = '']) => ({ task, first, later }));

const node = [
  'process.roles=broker,controller',
  'node.id=1',
  'listeners=PLAINTEXT://:9092,CONTROLLER://:9093',
  'controller.listener.names=CONTROLLER',
  'controller.quorum.bootstrap.servers=localhost:9093',
];
const nowMs = 1_000_000;

/** A time of the table: a number, or the value of a property. */
function msOf(cell: string, config: NodeConfig): number {
  if (!isBrokerKey(cell)) return Number(cell);
  return (config.get(cell) as number) * (cell.endsWith('.seconds') ? 1000 : 1);
}

/** First and later times of every task, as the code has them with `config`. */
function timesOf(config: NodeConfig): Record<string, [firstMs: number, laterMs: number]> {
  const log = Object.entries(taskTimes(logManagerSettings(config, false))).map(
    ([name, times]): [string, [number, number]] => [`log: ${name}`, [times.firstMs, times.nextMs(false)]],
  );
  const groups = groupConfig(config);
  const transactions = txnConfig(config);
  const context = { nowMs, wallMs: nowMs, image: emptyImage() };
  const groupShard = createGroupShard(groups, seededRandom(1), context as never);
  const txnShard = createTxnShard(transactions, context as never);
  const settings = controllerSettings(config, 'cluster', () => []);
  const controller = new ActiveController({ settings, image: emptyImage() } as never, nowMs);
  return {
    ...Object.fromEntries(log),
    'groups: expired offsets and groups': [
      groupShard.nextExpiryMs - nowMs,
      groups.offsetsRetentionCheckIntervalMs,
    ],
    'transactions: abort those over time': [txnShard.aborting.nextMs - nowMs, transactions.abortIntervalMs],
    'transactions: expire unused ids': [txnShard.expiring.nextMs - nowMs, transactions.expiryIntervalMs],
    'controller: give leaderships back': [
      (controller.nextTickMs() ?? 0) - nowMs,
      settings.leaderRebalanceIntervalMs ?? 0,
    ],
  };
}

test('the table of scheduled tasks has a row for each task', () => {
  expect(rows.map(({ task }) => task).sort()).toEqual(
    Object.keys(timesOf(NodeConfig.parse(node.join('\n')))).sort(),
  );
});

describe.each([
  ['by default', []],
  // Every property of the table at a value of its own.
  ['with other values', [...new Set(rows.flatMap(({ first, later }) => [first, later]))]],
])('times in the table of scheduled tasks %s', (_when, cells) => {
  const own = cells.filter(isBrokerKey).map((key, at) => `${key}=${at + 11}`);
  const config = NodeConfig.parse([...node, ...own].join('\n'));
  const times = timesOf(config);
  test.each(rows)('$task', ({ task, first, later }) => {
    expect(times[task]).toEqual([msOf(first, config), msOf(later, config)]);
  });
});
