/**
 * When each background task of the log first runs, and how often after that: as in Kafka's LogManager, LogCleaner and
 * ReplicaManager.
 */
import { expect, test } from 'vitest';
import { NodeConfig } from '../../src/config/node-config.ts';
import { BackgroundTasks } from '../../src/log/manager/background-tasks.ts';
import { logManagerSettings } from '../../src/log/manager/log-settings.ts';
import { type LogTask, taskTimes } from '../../src/log/manager/scheduled-tasks.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from './harness.ts';

const minute = 60_000;
const node = [
  'process.roles=broker,controller',
  'node.id=1',
  'listeners=PLAINTEXT://:9092,CONTROLLER://:9093',
  'controller.listener.names=CONTROLLER',
  'controller.quorum.bootstrap.servers=localhost:9093',
  'log.dirs=/data',
];

function configOf(properties: readonly string[] = []): NodeConfig {
  return NodeConfig.parse([...node, ...properties].join('\n'));
}

/** Each row: the task, the property that sets its period, and by default the delay of its first run and its period, in ms. */
const rows: readonly [LogTask, string | null, number, number][] = [
  ['retention', 'log.retention.check.interval.ms', 30_000, 5 * minute],
  ['recoveryPoint', 'log.flush.offset.checkpoint.interval.ms', 30_000, minute],
  ['logStart', 'log.flush.start.offset.checkpoint.interval.ms', 30_000, minute],
  ['highWatermark', 'replica.high.watermark.checkpoint.interval.ms', 0, 5000],
  ['producers', 'producer.id.expiration.check.interval.ms', 10 * minute, 10 * minute],
  ['lateTransactions', null, minute, minute],
  ['cleaner', 'log.cleaner.backoff.ms', 0, 15_000],
  ['writeBehind', 'log.flush.scheduler.interval.ms', 2000, 2000],
];

test('the table of this test has every task', () => {
  const times = taskTimes(logManagerSettings(configOf(), false));
  expect(rows.map(([name]) => name).sort()).toEqual(Object.keys(times).sort());
});

test.each(rows)('%s', (name, property, firstMs, nextMs) => {
  const times = taskTimes(logManagerSettings(configOf(), false))[name];
  expect([times.firstMs, times.nextMs(false)]).toEqual([firstMs, nextMs]);
  if (property === null) return;
  const short = taskTimes(logManagerSettings(configOf([`${property}=7`]), false))[name];
  expect(short.nextMs(false)).toBe(7);
});

test('log.initial.task.delay.ms delays the first run of logStart, recoveryPoint and retention only', () => {
  const times = taskTimes(logManagerSettings(configOf(['log.initial.task.delay.ms=3']), false));
  const late = Object.entries(times).filter(([, { firstMs }]) => firstMs === 3);
  expect(late.map(([name]) => name).sort()).toEqual(['logStart', 'recoveryPoint', 'retention']);
});

test('a setting changed at run time acts from the next run on', () => {
  const config = configOf();
  const settings = logManagerSettings(config, false);
  config.applyDynamic(
    new Map([
      ['log.cleaner.backoff.ms', '9'],
      ['producer.id.expiration.ms', '11'],
    ]),
    new Map(),
  );
  expect(taskTimes(settings).cleaner.nextMs(false)).toBe(9);
  expect(settings.producerIdExpirationMs).toBe(11);
});

test('the cleaner runs again at once after a run that compacted something', async () => {
  const clock = new ManualClock();
  const startMs = clock.nowMs;
  const tasks = new BackgroundTasks(clock, silentLogger);
  const runs: number[] = [];
  const work = [true, true, false, true, false];
  tasks.start('cleaner', taskTimes(logManagerSettings(configOf(), false)).cleaner, async () => {
    runs.push(clock.nowMs - startMs);
    return work[runs.length - 1] ?? false;
  });
  for (let seconds = 0; seconds <= 30; seconds += 15) await clock.advance(seconds === 0 ? 0 : 15_000);
  tasks.stop();
  expect(runs).toEqual([0, 0, 0, 15_000, 15_000, 30_000]);
});
