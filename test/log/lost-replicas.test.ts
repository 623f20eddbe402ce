/** The replicas that a broker reports as having lost records when it registers (docs/decisions/0080). */
import { expect, test } from 'vitest';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import type { LostReplica } from '../../src/log/directories/lost-replicas.ts';
import type { LogManager } from '../../src/log/manager/log-manager.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batchOf, Bench, client, openManager, topicId } from './harness.ts';

const listFile = '/a/lost-records-checkpoint';
const segment = `/a/u-0/${'0'.repeat(20)}.log`;

/** A manager that has stopped, cleanly or not, with 12 records of leader epoch 3 in each of two partitions. */
async function stopped(isClean: boolean): Promise<Bench> {
  const bench = new Bench();
  const logs = await openManager(bench);
  for (const topic of ['t', 'u']) {
    const log: PartitionLog = await logs.getOrCreate(topic, 0, topicId, defaultLogConfig, null, true);
    for (let i = 0; i < 12; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 3, client).written;
    log.setHighWatermark(12);
  }
  if (isClean) await logs.shutdown(77);
  else {
    await logs.checkpointHighWatermarks();
    bench.disk.processKilled();
  }
  bench.logged.length = 0;
  return bench;
}

function lost(logs: LogManager): LostReplica[] {
  return logs.directories().flatMap((directory) => [...directory.lost.values()]);
}

const isEmpty: LostReplica = { topic: 'u', partition: 0, topicId, latestEpoch: -1 };

test('a log that ends in front of its high watermark has lost records, although nothing is synced', async () => {
  const bench = await stopped(false);
  await bench.fs.remove(segment);
  expect(lost(await openManager(bench))).toEqual([isEmpty]);
  expect(bench.logged).toContainEqual([
    'warn',
    'logs end below their high watermark: committed records are missing on this broker',
  ]);
});

test('one line tells of all logs that end below their high watermark', async () => {
  const bench = await stopped(false);
  for (const topic of ['t', 'u']) await bench.fs.remove(`/a/${topic}-0/${'0'.repeat(20)}.log`);
  expect(lost(await openManager(bench))).toHaveLength(2);
  expect(bench.logged.filter(([, message]) => message.includes('high watermark'))).toHaveLength(1);
  expect(bench.fields).toContainEqual({ directory: '/a', partitions: 2, first: 't-0,u-0' });
});

test('a replica whose directory is gone has lost records, also after a crash', async () => {
  const bench = await stopped(false);
  await bench.fs.remove('/a/u-0');
  const logs = await openManager(bench);
  expect(lost(logs)).toEqual([{ ...isEmpty, topicId: '' }]);
  expect(bench.logged.filter(([level]) => level === 'error')).toEqual([]);
});

test('nothing is reported after a crash or a clean stop without damage', async () => {
  for (const isClean of [true, false]) {
    const bench = await stopped(isClean);
    expect(lost(await openManager(bench))).toEqual([]);
    expect(bench.disk.contents().has(listFile)).toBe(false);
  }
});

test('the list is kept until the controller has it', async () => {
  const bench = await stopped(true);
  await bench.fs.remove(segment);
  await (await openManager(bench)).shutdown(-1);
  // The start has truncated the log, so this one finds no loss by itself.
  const second = await openManager(bench);
  expect(lost(second)).toEqual([{ ...isEmpty, topicId: '' }]);
  expect(second.previousBrokerEpoch).toBe(-1);
  await second.lostReplicasReported();
  await second.shutdown(78);
  const third = await openManager(bench);
  expect([lost(third), third.previousBrokerEpoch]).toEqual([[], 78]);
});

test('the list survives a power cut', async () => {
  const bench = await stopped(true);
  await bench.fs.remove(segment);
  await openManager(bench);
  bench.disk.powerCut();
  expect(lost(await openManager(bench))).toMatchObject([{ topic: 'u', partition: 0 }]);
});
