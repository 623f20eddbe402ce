import { describe, expect, test } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import { LogManager } from '../../src/log/manager/log-manager.ts';
import { defaultLogManagerSettings } from '../../src/log/manager/log-settings.ts';
import { Errors } from '../../src/protocol/errors.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import { batchOf, Bench, client, endProcess, readAll, settle } from './harness.ts';

const idA = 'sIwPhf7eRmGKij2_-IkFVg';
const idB = 'IMsRZd3lSUK8fqfTgo2UDg';
const otherTopic = 'tHwPhf7eRmGKij2_-IkFVg';

async function manager(bench: Bench, paths = ['/a'], config: Partial<LogConfig> = {}): Promise<LogManager> {
  for (const path of paths) await bench.fs.makeDirectory(path);
  await bench.fs.syncDirectory('/');
  const made = new LogManager({
    fs: bench.fs,
    clock: bench.clock,
    scheduler: bench.clock,
    random: bench.random,
    logger: bench.logger,
    directories: paths.map((path, i) => ({ path, id: [idA, idB][i] as string })),
    settings: defaultLogManagerSettings,
    configOf: () => ({ ...defaultLogConfig, ...config }),
    onDirectoryFailure: (_directory, error) => bench.failures.push(error),
  });
  await made.start();
  return made;
}

const text = async (bench: Bench, path: string): Promise<string> =>
  new TextDecoder().decode(await bench.fs.readFile(path));

describe('clean shutdown', () => {
  test('writes checkpoints and .kafka_cleanshutdown; the next start reads them and removes that file', async () => {
    const bench = new Bench();
    const logs = await manager(bench);
    const log = await logs.getOrCreate('orders', 0, idB, defaultLogConfig, null, true);
    await log.appendAsLeader(batchOf(['a', 'b', 'c']), 0, client).written;
    log.setHighWatermark(3);
    await logs.getOrCreate('empty', 1, idB, defaultLogConfig, null, true);
    await logs.shutdown(77);
    expect(await text(bench, '/a/.kafka_cleanshutdown')).toBe('{"version":0,"brokerEpoch":77}');
    expect(await text(bench, '/a/replication-offset-checkpoint')).toBe('0\n2\norders 0 3\nempty 1 0\n');
    expect(await text(bench, '/a/recovery-point-offset-checkpoint')).toBe('0\n2\norders 0 3\nempty 1 0\n');
    expect(await text(bench, '/a/log-start-offset-checkpoint')).toBe('0\n0\n');
    expect(await text(bench, '/a/orders-0/partition.metadata')).toBe(`version: 0\ntopic_id: ${idB}`);
    expect(await text(bench, '/a/orders-0/leader-epoch-checkpoint')).toBe('0\n1\n0 0\n');
    expect(await bench.fs.list('/a/orders-0')).toEqual([
      '00000000000000000000.index',
      '00000000000000000000.log',
      '00000000000000000000.timeindex',
      'leader-epoch-checkpoint',
      'partition.metadata',
    ]);
    expect(await bench.fs.list('/a/empty-1')).toEqual(['partition.metadata']);
    bench.disk.powerCut();
    const again = await manager(bench);
    expect(again.directories()).toMatchObject([{ wasClean: true }]);
    expect(again.previousBrokerEpoch).toBe(77);
    expect(await bench.fs.list('/a')).not.toContain('.kafka_cleanshutdown');
    const found = again.get('orders', 0);
    expect([found?.logEndOffset, found?.highWatermark, found?.topicId]).toEqual([3, 3, idB]);
    expect(again.get('empty', 1)?.logEndOffset).toBe(0);
  });

  test('after a crash there is no such file, and all logs are recovered', async () => {
    const bench = new Bench();
    const logs = await manager(bench);
    const log = await logs.getOrCreate('orders', 0, idB, defaultLogConfig, null, true);
    await log.appendAsLeader(batchOf(['a']), 0, client).written;
    endProcess(log);
    bench.disk.processKilled();
    const again = await manager(bench);
    expect(again.directories()).toMatchObject([{ wasClean: false }]);
    expect(again.get('orders', 0)?.logEndOffset).toBe(1);
  });

  test('a second process on the same directory is refused', async () => {
    const bench = new Bench();
    const logs = await manager(bench);
    await expect(manager(bench)).rejects.toThrow(
      /Failed to acquire lock on file .lock in \/a\. A Kafka instance/,
    );
    await logs.shutdown(1);
    await manager(bench);
  });
});

describe('partitions', () => {
  test('delete renames the directory at once and removes it after the delay', async () => {
    const bench = new Bench();
    const logs = await manager(bench);
    const log = await logs.getOrCreate('orders', 0, idB, defaultLogConfig, null, true);
    await log.appendAsLeader(batchOf(['a']), 0, client).written;
    await logs.delete('orders', 0);
    expect(logs.get('orders', 0)).toBe(null);
    expect((await bench.fs.list('/a')).filter((name) => name.startsWith('orders'))).toEqual([
      expect.stringMatching(/^orders-0\.[0-9a-f]{32}-delete$/),
    ]);
    expect(() => log.appendAsLeader(batchOf(['b']), 0, client)).toThrow(/closed/);
    const fresh = await logs.getOrCreate('orders', 0, otherTopic, defaultLogConfig, null, true);
    expect(fresh.logEndOffset).toBe(0);
    await bench.clock.advance(60_000);
    expect((await bench.fs.list('/a')).filter((name) => name.startsWith('orders'))).toEqual(['orders-0']);
  });

  test('a topic with the same name and another id makes the old log a stray', async () => {
    const bench = new Bench();
    const logs = await manager(bench);
    const log = await logs.getOrCreate('orders', 0, idB, defaultLogConfig, null, true);
    await log.appendAsLeader(batchOf(['a']), 0, client).written;
    const [one, two] = await Promise.all([
      logs.getOrCreate('orders', 0, otherTopic, defaultLogConfig, null, true),
      logs.getOrCreate('orders', 0, otherTopic, defaultLogConfig, null, true),
    ]);
    expect(one).toBe(two);
    expect(one?.logEndOffset).toBe(0);
    expect((await bench.fs.list('/a')).some((name) => /^orders-0\.[0-9a-f]{32}-stray$/.test(name))).toBe(
      true,
    );
  });

  test('strays are renamed; a missing partition.metadata is written again', async () => {
    const bench = new Bench();
    const logs = await manager(bench);
    for (const topic of ['kept', 'stray'])
      await (await logs.getOrCreate(topic, 0, idB, defaultLogConfig, null, true)).appendAsLeader(
        batchOf(['a']),
        0,
        client,
      ).written;
    await logs.shutdown(1);
    await bench.fs.remove('/a/kept-0/partition.metadata');
    const again = await manager(bench);
    await again.removeStrays((log) => log.topic === 'kept');
    expect(again.get('stray', 0)).toBe(null);
    const kept = await again.getOrCreate('kept', 0, idB, defaultLogConfig, null, true);
    expect([kept.logEndOffset, kept.topicId]).toEqual([1, idB]);
    await kept.appendAsLeader(batchOf(['b']), 0, client).written;
    await again.shutdown(1);
    expect(await text(bench, '/a/kept-0/partition.metadata')).toContain(idB);
  });

  test('a log created in the place of a stray stays while strays are being renamed', async () => {
    const bench = new Bench();
    const logs = await manager(bench);
    for (const index of [0, 1])
      await (await logs.getOrCreate('orders', index, idB, defaultLogConfig, null, true)).appendAsLeader(
        batchOf(['a']),
        0,
        client,
      ).written;
    const leaving = logs.removeStrays(() => false);
    const taking = [0, 1].map((index) =>
      logs.getOrCreate('orders', index, otherTopic, defaultLogConfig, null, true),
    );
    const [, ...taken] = await Promise.all([leaving, ...taking]);
    for (const log of taken) await log.appendAsLeader(batchOf(['b']), 0, client).written;
    expect(bench.failures).toEqual([]);
    expect(taken.map((log) => [log.topicId, log.logEndOffset, log.isOffline])).toEqual([
      [otherTopic, 1, false],
      [otherTopic, 1, false],
    ]);
    expect(logs.get('orders', 0)).toBe(taken[0]);
    expect(await text(bench, '/a/orders-1/partition.metadata')).toContain(otherTopic);
    const names = await bench.fs.list('/a');
    expect(names.filter((name) => name.endsWith('-stray')).length).toBe(2);
  });

  test('a new partition gets the directory with the fewest partitions, or the requested one', async () => {
    const bench = new Bench();
    const logs = await manager(bench, ['/a', '/b']);
    for (let i = 0; i < 4; i++) await logs.getOrCreate('t', i, idB, defaultLogConfig, null, true);
    expect([0, 1, 2, 3].map((i) => logs.get('t', i)?.directory)).toEqual([
      '/a/t-0',
      '/b/t-1',
      '/a/t-2',
      '/b/t-3',
    ]);
    expect((await logs.getOrCreate('named', 0, idB, defaultLogConfig, idB, true)).directory).toBe(
      '/b/named-0',
    );
  });
});

test('a read error takes the log directory offline', async () => {
  const bench = new Bench();
  const logs = await manager(bench);
  await (await logs.getOrCreate('t', 0, idB, defaultLogConfig, null, true)).appendAsLeader(
    batchOf(['x']),
    0,
    client,
  ).written;
  await logs.shutdown(1);
  const again = await manager(bench);
  const log = await again.getOrCreate('t', 0, idB, defaultLogConfig, null, true);
  bench.disk.fault = (operation) => (operation === 'read' ? 'EIO' : null);
  await expect(log.read(0, 1000, 1, true)).rejects.toMatchObject({ error: { name: 'KAFKA_STORAGE_ERROR' } });
  expect([log.isOffline, bench.failures.length]).toEqual([true, 1]);
});

test('a write error takes its log directory offline, and no other', async () => {
  const bench = new Bench();
  const logs = await manager(bench, ['/a', '/b']);
  const [a, b] = await Promise.all([
    logs.getOrCreate('t', 0, idB, defaultLogConfig, null, true),
    logs.getOrCreate('t', 1, idB, defaultLogConfig, null, true),
  ]);
  bench.disk.fault = (operation, path) => (operation === 'write' && path.startsWith('/a/') ? 'EIO' : null);
  await expect(a.appendAsLeader(batchOf(['x']), 0, client).written).rejects.toMatchObject({
    error: { name: 'KAFKA_STORAGE_ERROR' },
  });
  await b.appendAsLeader(batchOf(['y']), 0, client).written;
  expect(bench.failures).toHaveLength(1);
  expect(logs.directories().map((directory) => directory.isOffline)).toEqual([true, false]);
  expect((await logs.getOrCreate('new', 0, idB, defaultLogConfig, null, true)).directory).toBe('/b/new-0');
  await logs.shutdown(1);
  expect(await bench.fs.list('/a')).not.toContain('.kafka_cleanshutdown');
  expect(await bench.fs.list('/b')).toContain('.kafka_cleanshutdown');
});

test('an exception in a background task is logged; no directory goes offline, other logs are served', async () => {
  const bench = new Bench();
  const logs = await manager(bench);
  const old = { ...defaultLogConfig, retentionMs: 1000, segmentBytes: 200 };
  const made = await Promise.all(
    [0, 1, 2].map((index) => logs.getOrCreate('t', index, idB, old, null, true)),
  );
  for (const log of made) {
    for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf(['x']), 0, client).written;
    log.setHighWatermark(10);
  }
  const [first, second] = made;
  if (first === undefined || second === undefined) throw new Error('there are three');
  const bug = (): never => {
    throw new RangeError('Map maximum size exceeded');
  };
  first.applyRetention = bug;
  second.writeBehind = bug;
  bench.clock.nowMs += 10_000;
  await logs.applyRetention();
  expect(made.map((log) => log.logStartOffset)).toEqual([0, 10, 10]);
  second.expireProducers = bug;
  await logs.expireProducers();
  await bench.clock.advance(5000);
  expect(made.map((log) => log.isOffline)).toEqual([false, false, false]);
  expect(bench.failures).toEqual([]);
  expect(bench.logged).toContainEqual(['error', 'a background task has a bug']);
  expect(bench.logged).not.toContainEqual(['error', 'a log directory is offline']);
  await first.appendAsLeader(batchOf(['on']), 0, client).written;
});

test('a broken invariant in a background task is not caught', async () => {
  const bench = new Bench();
  const logs = await manager(bench);
  const log = await logs.getOrCreate('t', 0, idB, defaultLogConfig, null, true);
  log.expireProducers = () => assert(false, 'offsets are in order');
  await expect(logs.expireProducers()).rejects.toThrow('offsets are in order');
  log.applyRetention = async () => {
    assert(false, 'offsets are in order');
    return 0;
  };
  await expect(logs.applyRetention()).rejects.toThrow('offsets are in order');
  expect(bench.failures).toEqual([]);
});

test('after an exception in the cleaner that log is no longer compacted, and its directory stays online', async () => {
  const bench = new Bench();
  const config = { ...defaultLogConfig, cleanupPolicy: { delete: false, compact: true }, segmentBytes: 200 };
  const logs = await manager(bench, ['/a'], config);
  const made = await Promise.all(
    [0, 1].map((index) => logs.getOrCreate('t', index, idB, config, null, true)),
  );
  for (const log of made) {
    for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf(['x']), 0, client).written;
    log.setHighWatermark(10);
  }
  const [first, second] = made;
  if (first === undefined || second === undefined) throw new Error('there are two');
  let calls = 0;
  first.abortedTransactions = () => {
    calls += 1;
    throw new RangeError('Map maximum size exceeded');
  };
  const before = second.sizeBytes;
  for (let i = 0; i < 2; i++) await logs.cleanOnce();
  expect(calls).toBe(1);
  expect(second.sizeBytes).toBeLessThan(before);
  expect([first.isOffline, second.isOffline, bench.failures.length]).toEqual([false, false, 0]);
  expect(bench.logged).toContainEqual(['error', 'a background task has a bug']);
});

test('a disk error in DeleteRecords takes the log directory offline', async () => {
  const bench = new Bench();
  const logs = await manager(bench);
  const config = { ...defaultLogConfig, segmentBytes: 200 };
  const log = await logs.getOrCreate('t', 0, idB, config, null, true);
  for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf(['x']), 0, client).written;
  log.setHighWatermark(10);
  bench.disk.fault = (operation) => (operation === 'rename' ? 'EIO' : null);
  await expect(log.deleteRecordsTo(9)).rejects.toMatchObject({ error: Errors.KAFKA_STORAGE_ERROR });
  expect(logs.directories()).toMatchObject([{ isOffline: true }]);
});

test('retention of all records that meets a truncation deletes nothing before its next run', async () => {
  const bench = new Bench();
  const logs = await manager(bench);
  const log = await logs.getOrCreate('t', 0, idB, { ...defaultLogConfig, retentionMs: 1000 }, null, true);
  for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf(['x']), 0, client).written;
  log.setHighWatermark(10);
  bench.clock.nowMs += 10_000;
  const retention = logs.applyRetention();
  const truncation = log.truncateTo(8);
  await Promise.all([retention, truncation]);
  expect([log.logStartOffset, log.logEndOffset, log.isOffline]).toEqual([0, 8, false]);
  await logs.applyRetention();
  expect([log.logStartOffset, log.logEndOffset]).toEqual([8, 8]);
  expect(bench.logged).toEqual([]);
});

test('after a start nothing is deleted or compacted before the configuration of the topic is known', async () => {
  const bench = new Bench();
  const keepsAll = { ...defaultLogConfig, segmentBytes: 300, retentionMs: -1 };
  const compacts = { ...keepsAll, cleanupPolicy: { delete: false, compact: true } };
  const logs = await manager(bench);
  for (const [topic, config] of [
    ['kept', keepsAll],
    ['table', compacts],
  ] as const) {
    const log = await logs.getOrCreate(topic, 0, idB, config, null, true);
    for (let i = 0; i < 20; i++) await log.appendAsLeader(batchOf([`${i}`]), 0, client).written;
    log.setHighWatermark(20);
  }
  await logs.shutdown(1);
  bench.clock.nowMs += 30 * 24 * 3_600_000;
  // The broker has no metadata yet, so its defaults count: one topic would lose all, the other would be compacted.
  const again = await manager(bench, ['/a'], {
    retentionMs: 1_000,
    cleanupPolicy: { delete: true, compact: true },
  });
  const [kept, table] = [again.get('kept', 0), again.get('table', 0)];
  assert(kept !== null && table !== null, 'both logs were opened');
  await again.applyRetention();
  await again.cleanOnce();
  expect([kept.logStartOffset, table.logStartOffset]).toEqual([0, 0]);
  expect([(await readAll(kept)).length, (await readAll(table)).length]).toEqual([20, 20]);
  kept.updateConfig({ ...keepsAll, retentionMs: 1_000 });
  table.updateConfig(compacts);
  await again.applyRetention();
  await again.cleanOnce();
  expect(kept.logStartOffset).toBe(20);
  expect((await readAll(table)).length).toBeLessThan(20);
});

test('checkpoints are written by the timers, and retention and compaction run', async () => {
  const bench = new Bench();
  const config = { segmentBytes: 300, retentionBytes: 500 };
  const logs = await manager(bench, ['/a'], config);
  const log = await logs.getOrCreate('t', 0, idB, { ...defaultLogConfig, ...config }, null, true);
  const table = await logs.getOrCreate(
    'table',
    0,
    idB,
    {
      ...defaultLogConfig,
      segmentBytes: 300,
      cleanupPolicy: { delete: false, compact: true },
    },
    null,
    true,
  );
  for (let i = 0; i < 20; i++) {
    await log.appendAsLeader(batchOf([`${i}`]), 0, client).written;
    await table.appendAsLeader(batchOf([`${i}`]), 0, client).written;
  }
  log.setHighWatermark(20);
  table.setHighWatermark(20);
  await bench.clock.advance(5000);
  expect(await text(bench, '/a/replication-offset-checkpoint')).toBe('0\n2\nt 0 20\ntable 0 20\n');
  await bench.clock.advance(31_000);
  await settle();
  expect(log.logStartOffset).toBeGreaterThan(0);
  expect((await readAll(table)).length).toBeLessThan(8);
  const cleaned = Number((await text(bench, '/a/cleaner-offset-checkpoint')).split(' ').at(-1));
  expect(cleaned).toBe(table.state.active.baseOffset);
  log.setHighWatermark(20);
  await log.deleteRecordsTo(19);
  await bench.clock.advance(61_000);
  expect(await text(bench, '/a/log-start-offset-checkpoint')).toBe('0\n1\nt 0 19\n');
});

test('the recovery point and its checkpoint of a growing log move in the background', async () => {
  const bench = new Bench();
  const logs = await manager(bench);
  const log = await logs.getOrCreate('t', 0, idB, defaultLogConfig, null, true);
  const value = 'x'.repeat(500_000);
  for (let i = 0; i < 30; i++) await log.appendAsLeader(batchOf([value]), 0, client).written;
  await bench.clock.advance(2100);
  expect(log.recoveryPoint).toBe(0);
  for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf([value]), 0, client).written;
  await bench.clock.advance(2100);
  expect(log.recoveryPoint).toBe(40);
  expect(await text(bench, '/a/recovery-point-offset-checkpoint')).toBe('0\n1\nt 0 40\n');
  expect((await bench.fs.list('/a/t-0')).filter((name) => name.endsWith('snapshot'))).toHaveLength(1);
});

test('flush.ms syncs logs in the background', async () => {
  const bench = new Bench();
  const logs = await manager(bench);
  const log = await logs.getOrCreate('t', 0, idB, { ...defaultLogConfig, flushMs: 3000 }, null, true);
  await log.appendAsLeader(batchOf(['a']), 0, client).written;
  await bench.clock.advance(2000);
  expect(log.recoveryPoint).toBe(0);
  await bench.clock.advance(2000);
  expect(log.recoveryPoint).toBe(1);
});

test('a transaction that stays open is logged once, and counted until it ends', async () => {
  const bench = new Bench();
  const logs = await manager(bench);
  const log = await logs.getOrCreate('t', 0, idB, defaultLogConfig, null, true);
  const unverified = { ...client, verification: 'off' } as const;
  const data = (baseSequence: number): Uint8Array =>
    batchOf(['v'], { producerId: 7, producerEpoch: 0, baseSequence, isTransactional: true });
  const named = (): number =>
    bench.logged.filter(([, message]) => message.startsWith('a transaction was not ended in time')).length;
  await log.appendAsLeader(data(0), 0, unverified).written;
  await bench.clock.advance(19 * 60_000);
  await log.appendAsLeader(data(1), 0, unverified).written;
  await bench.clock.advance(19 * 60_000);
  expect([named(), logs.hasLateTransaction('t', 0)]).toEqual([0, false]);
  await bench.clock.advance(2 * 60_000);
  expect([named(), logs.hasLateTransaction('t', 0)]).toEqual([1, true]);
  await bench.clock.advance(10 * 60_000);
  expect(named()).toBe(1);
  const marker = { type: 'abort', coordinatorEpoch: 1, producerId: 7, producerEpoch: 0 } as const;
  const end = endTransactionBatch({ ...marker, timestamp: bench.clock.nowMs });
  await log.appendAsLeader(end, 0, { ...client, origin: 'coordinator' }).written;
  expect(logs.hasLateTransaction('t', 0)).toBe(false);
});
