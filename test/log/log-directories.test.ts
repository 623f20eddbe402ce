/** A broker with several log directories: where new replicas are placed, and when the last shutdown counts as clean. */
import { expect, test } from 'vitest';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import { LogDirectories } from '../../src/log/directories/log-directories.ts';
import { LogDirectory } from '../../src/log/directories/log-directory.ts';
import { LogManager } from '../../src/log/manager/log-manager.ts';
import { defaultLogManagerSettings } from '../../src/log/manager/log-settings.ts';
import { uuidLostDirectory } from '../../src/metadata/topics-image.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { batchOf, Bench, client } from './harness.ts';

const idA = 'sIwPhf7eRmGKij2_-IkFVg';
const idB = 'IMsRZd3lSUK8fqfTgo2UDg';
const topicId = 'tHwPhf7eRmGKij2_-IkFVg';

/** Opens the log manager. `failed`: directories that could not be read at the start. */
async function open(
  bench: Bench,
  failed: readonly string[] = [],
  locksDirectories = false,
): Promise<LogManager> {
  if ((await bench.fs.stat('/a')) === null) {
    for (const path of ['/a', '/b']) await bench.fs.makeDirectory(path);
    await bench.fs.syncDirectory('/');
  }
  const made = new LogManager({
    fs: bench.fs,
    clock: bench.clock,
    scheduler: bench.clock,
    random: bench.random,
    logger: silentLogger,
    directories: [
      { path: '/a', id: idA },
      { path: '/b', id: idB },
    ].map((one) =>
      failed.includes(one.path) ? { path: one.path, id: uuidLostDirectory, failure: new Error('EIO') } : one,
    ),
    settings: { ...defaultLogManagerSettings, locksDirectories },
    configOf: () => defaultLogConfig,
    onDirectoryFailure: (_directory, error) => bench.failures.push(error),
  });
  await made.start();
  return made;
}

const make = (logs: LogManager, directoryId: string | null, isNew: boolean, topic = 'orders') =>
  logs.getOrCreate(topic, 0, topicId, defaultLogConfig, directoryId, isNew);

const storageError = { error: { name: 'KAFKA_STORAGE_ERROR' } };

test('a replica is created in the directory that metadata names, else in the one with the fewest replicas', async () => {
  const logs = await open(new Bench());
  expect((await make(logs, idB, true)).directory).toBe('/b/orders-0');
  expect((await make(logs, null, true, 'x')).directory).toBe('/a/x-0');
  expect((await make(logs, null, false, 'y')).directory).toMatch(/^\/[ab]\/y-0$/);
  expect(logs.directoryIdOf('orders', 0)).toBe(idB);
});

test.each(['at the start', 'unreadable from the start', 'later'])(
  'a directory fails %s: no replica that may be in it is created again as an empty one',
  async (when) => {
    const bench = new Bench();
    const before = await open(bench);
    const log = await make(before, idA, true);
    await log.appendAsLeader(batchOf(['kept']), 0, client).written;
    await before.shutdown(1);
    const fails = (): void => {
      bench.disk.fault = (_operation, path) => (path.startsWith('/a') ? 'EIO' : null);
    };
    if (when === 'at the start') fails();
    const logs = await open(bench, when === 'unreadable from the start' ? ['/a'] : []);
    if (when === 'later') {
      fails();
      const open0 = await make(logs, idA, false);
      await open0.appendAsLeader(batchOf(['lost']), 0, client).written.catch(() => undefined);
    }
    expect(logs.directories().map(({ isOffline }) => isOffline)).toEqual([true, false]);
    await expect(make(logs, idA, false)).rejects.toMatchObject(storageError);
    await expect(make(logs, null, false)).rejects.toMatchObject(storageError);
    if (when !== 'later') await expect(make(logs, idA, true)).rejects.toMatchObject(storageError);
    await expect(make(logs, uuidLostDirectory, true, 'z')).rejects.toMatchObject(storageError);
    // New replicas, and replicas assigned to the working directory, can still be created.
    expect((await make(logs, null, true, 'x')).directory).toBe('/b/x-0');
    expect((await make(logs, idB, false, 'y')).directory).toBe('/b/y-0');
    // The disk works again.
    bench.disk.fault = () => null;
    bench.disk.processKilled();
    const again = await open(bench);
    expect((await make(again, idA, false)).logEndOffset).toBe(1);
  },
);

test('the broker epoch of the clean shutdown is known only if all directories have the same', async () => {
  const bench = new Bench();
  await (await open(bench)).shutdown(7);
  const both = await open(bench);
  expect(both.previousBrokerEpoch).toBe(7);
  await both.shutdown(8);
  await bench.fs.remove('/b/.kafka_cleanshutdown');
  const one = await open(bench);
  expect(one.previousBrokerEpoch).toBe(-1);
  await one.shutdown(9);
  await (await open(bench, ['/b'])).shutdown(10);
  // /b was closed in broker epoch 9 and /a in 10: no single epoch was shut down cleanly in all directories.
  expect((await open(bench)).previousBrokerEpoch).toBe(-1);
});

test('with an offline directory the last shutdown counts as unclean', async () => {
  const bench = new Bench();
  await (await open(bench)).shutdown(7);
  expect((await open(bench, ['/a'])).previousBrokerEpoch).toBe(-1);
});

test('a topic deleted while its directory failed and recreated in another one has its own log only', async () => {
  const bench = new Bench();
  const other = 'uHwPhf7eRmGKij2_-IkFVg';
  const logs = await open(bench);
  await (await make(logs, idA, true)).appendAsLeader(batchOf(['old']), 0, client).written;
  bench.disk.fault = (_operation, path) => (path.startsWith('/a') ? 'EIO' : null);
  await expect(logs.delete('orders', 0)).rejects.toThrow(/EIO/);
  expect(logs.directories()[0]?.isOffline).toBe(true);
  const fresh = await logs.getOrCreate('orders', 0, other, defaultLogConfig, null, true);
  await fresh.appendAsLeader(batchOf(['new', 'newer']), 0, client).written;
  expect(fresh.directory).toBe('/b/orders-0');
  bench.disk.fault = () => null;
  for (const topic of [other, topicId]) {
    bench.disk.processKilled();
    const again = await open(bench);
    const log = await again.getOrCreate('orders', 0, topic, defaultLogConfig, null, false);
    expect([log.topicId, log.logEndOffset]).toEqual([topic, topic === other ? 2 : 1]);
    if (topic === topicId) continue;
    // A replica that nobody asked for is renamed to a stray directory.
    await again.removeStrays(({ topicId: id }) => id === other);
    expect((await bench.fs.list('/a')).some((name) => /^orders-0.*-stray$/.test(name))).toBe(true);
    await bench.fs.rename(
      `/a/${(await bench.fs.list('/a')).find((name) => name.endsWith('-stray')) ?? ''}`,
      '/a/orders-0',
    );
  }
});

test('of two logs of a replica that returned to another directory, metadata says which one is used', async () => {
  for (const wanted of [idB, idA]) {
    const fresh = new Bench();
    const logs = await open(fresh);
    await (await make(logs, idA, true)).appendAsLeader(batchOf(['old', 'older']), 0, client).written;
    fresh.disk.fault = (_operation, path) => (path.startsWith('/a') ? 'EIO' : null);
    await expect(logs.delete('orders', 0)).rejects.toThrow(/EIO/);
    await (await make(logs, null, true)).appendAsLeader(batchOf(['new']), 0, client).written;
    fresh.disk.fault = () => null;
    fresh.disk.processKilled();
    const again = await open(fresh);
    expect(again.get('orders', 0)).toBe(null);
    const log = await make(again, wanted, false);
    expect([log.directory, log.logEndOffset]).toEqual(
      wanted === idB ? ['/b/orders-0', 1] : ['/a/orders-0', 2],
    );
    expect(again.get('orders', 0)).toBe(log);
  }
});

test('a cordoned directory gets no new replica, unless metadata says so or there is no other', async () => {
  const logs = await open(new Bench());
  logs.setCordoned(['/a']);
  for (const topic of ['t', 'u', 'v'])
    expect((await make(logs, null, true, topic)).directory).toBe(`/b/${topic}-0`);
  expect((await make(logs, idA, true)).directory).toBe('/a/orders-0');
  expect(logs.directories().map(({ isCordoned }) => isCordoned)).toEqual([true, false]);
  logs.setCordoned(['*']);
  expect((await make(logs, null, true, 'w')).directory).toMatch(/w-0$/);
});

test('a shutdown releases the lock of a failed directory', async () => {
  const bench = new Bench();
  const logs = await open(bench, [], true);
  const log = await make(logs, idA, true);
  bench.disk.fault = (_operation, path) => (path.startsWith('/a/') ? 'EIO' : null);
  await log.appendAsLeader(batchOf(['x']), 0, client).written.catch(() => undefined);
  expect(logs.directories().map(({ isOffline }) => isOffline)).toEqual([true, false]);
  bench.disk.fault = () => null;
  await logs.shutdown(1);
  await expect(open(bench, [], true)).resolves.toBeDefined();
});

// Bound: preferredMax.
test('at most preferredMax partitions without a log have a requested directory', () => {
  const resources = new Bench().resources();
  const [a, b] = ['/a', '/b'].map((path) => new LogDirectory(resources, path, path, null)) as [
    LogDirectory,
    LogDirectory,
  ];
  const directories = new LogDirectories([a, b], () => {});
  for (let i = 0; i <= 100_000; i++) directories.prefer(`t-${i}`, b);
  expect(directories.choose('t-99999', null, true)).toBe(b);
  expect(directories.choose('t-100000', null, true)).toBe(a);
});
