/**
 * The log on a file system with the rules of Windows: an open file can be neither renamed nor removed, and two names may not
 * differ in case only. `DISK=windows npm test -- test/log` runs the whole folder under these rules.
 */
import { describe, expect, test } from 'vitest';
import { patientFileSystem } from '../../src/adapters/patient-file-system.ts';
import { StorageError } from '../../src/base/file-system.ts';
import { cleanableRange, compact } from '../../src/log/compaction/compaction.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import { LogManager } from '../../src/log/manager/log-manager.ts';
import { defaultLogManagerSettings } from '../../src/log/manager/log-settings.ts';
import { SimulatedDisk } from '../../src/simulation/disk.ts';
import { WindowsDisk } from '../../src/simulation/windows-disk.ts';
import { batchOf, Bench, client, ManualClock, readAll, settle } from './harness.ts';

const idA = 'sIwPhf7eRmGKij2_-IkFVg';
const idB = 'IMsRZd3lSUK8fqfTgo2UDg';
const topicId = 'tHwPhf7eRmGKij2_-IkFVg';

/** A bench whose disk follows the rules of Windows and remembers the operations that it refused. */
class WindowsBench extends Bench {
  override readonly fs: WindowsDisk = new WindowsDisk(this.disk);
}

async function manager(bench: WindowsBench): Promise<LogManager> {
  for (const path of ['/C/a', '/C/b']) await bench.fs.makeDirectory(path);
  const made = new LogManager({
    fs: bench.fs,
    clock: bench.clock,
    scheduler: bench.clock,
    random: bench.random,
    logger: bench.logger,
    directories: [
      { path: '/C/a', id: idA },
      { path: '/C/b', id: idB },
    ],
    settings: defaultLogManagerSettings,
    configOf: () => ({ ...defaultLogConfig, segmentBytes: 600 }),
    onDirectoryFailure: (_directory, error) => bench.failures.push(error),
  });
  await made.start();
  return made;
}

describe('a simulated disk of Windows', () => {
  test('refuses to rename or remove an open file and its directory', async () => {
    const disk = new WindowsDisk(new SimulatedDisk());
    await disk.makeDirectory('/C/Dir');
    const file = await disk.open('/C/Dir/a', 'write');
    await expect(disk.rename('/C/dir/A', '/C/Dir/b')).rejects.toMatchObject({ code: 'EPERM' });
    await expect(disk.remove('/C/dir/a')).rejects.toMatchObject({ code: 'EBUSY' });
    await expect(disk.rename('/C/Dir', '/C/Else')).rejects.toMatchObject({ code: 'EPERM' });
    await expect(disk.remove('/C/Dir')).rejects.toMatchObject({ code: 'EBUSY' });
    await file.close();
    await disk.rename('/C/dir', '/C/Else');
    expect(await disk.list('/c/ELSE')).toEqual(['a']);
    expect(disk.refusals).toHaveLength(4);
  });

  test.each(['/C/nul', '/C/con.x-0', '/C/a:b', '/C/a.', '/C/x?'])('refuses the name %s', async (path) => {
    await expect(new WindowsDisk(new SimulatedDisk()).makeDirectory(path)).rejects.toMatchObject({
      code: 'EINVAL',
    });
  });
});

test('no operation of the log manager renames or removes a file that it has open', async () => {
  const bench = new WindowsBench();
  const config = { ...defaultLogConfig, segmentBytes: 600 };
  const logs = await manager(bench);
  const log = await logs.getOrCreate('orders', 0, topicId, config, idA, true);
  const other = await logs.getOrCreate('gone', 0, idB, config, idA, true);
  for (let i = 0; i < 60; i++) {
    await log.appendAsLeader(batchOf([`${i}`]), 0, client).written;
    await other.appendAsLeader(batchOf([`${i}`]), 0, client).written;
  }
  log.setHighWatermark(60);
  await readAll(log);
  await readAll(other);
  await log.deleteRecordsTo(20);
  await logs.delete('gone', 0);
  await bench.clock.advance(config.fileDeleteDelayMs + 1);
  await settle();
  expect((await bench.fs.list('/C/a')).filter((name) => name.includes('gone'))).toEqual([]);
  expect((await bench.fs.list('/C/a/orders-0')).filter((name) => name.includes('deleted'))).toEqual([]);
  await logs.shutdown(7);
  const again = await manager(bench);
  expect(again.get('orders', 0)?.logStartOffset).toBe(20);
  expect(await readAll(again.get('orders', 0) as never)).toHaveLength(40);
  await again.shutdown(8);
  expect([bench.fs.refusals, bench.failures, bench.logged]).toEqual([[], [], []]);
});

test('compaction replaces segments that were read just before', async () => {
  const bench = new WindowsBench();
  const log = await bench.create({ cleanupPolicy: { delete: false, compact: true }, segmentBytes: 400 });
  for (let i = 0; i < 50; i++)
    await log.appendAsLeader(batchOf([`${i}`], { key: `${i % 5}` }), 0, client).written;
  await log.roll();
  log.setHighWatermark(log.logEndOffset);
  expect(await readAll(log)).toHaveLength(50);
  const range = await cleanableRange(log, 0);
  expect(range).not.toBeNull();
  if (range !== null) await compact(log, range);
  expect(await readAll(log)).toHaveLength(5);
  expect(bench.fs.refusals).toEqual([]);
});

test('topics whose names differ only in case do not share a directory', async () => {
  const bench = new WindowsBench();
  const logs = await manager(bench);
  const config = { ...defaultLogConfig };
  const log = await logs.getOrCreate('orders', 0, topicId, config, idA, true);
  await log.appendAsLeader(batchOf(['kept']), 0, client).written;
  await expect(logs.getOrCreate('Orders', 0, idB, config, idA, true)).rejects.toThrow(/Orders-0/);
  expect(await readAll(log)).toEqual([[0, 'kept']]);
  expect(logs.directories().map(({ isOffline }) => isOffline)).toEqual([false, false]);
});

describe('patientFileSystem', () => {
  test('repeats a rename that is refused while another program has the file open', async () => {
    const clock = new ManualClock();
    const disk = new WindowsDisk(new SimulatedDisk());
    const patient = patientFileSystem(disk, clock, true);
    await disk.makeDirectory('/C');
    const scanner = await disk.open('/C/a', 'write');
    let isDone = false;
    const renamed = patient.rename('/C/a', '/C/b').then(() => {
      isDone = true;
    });
    // Lets the first attempt to rename happen while the scanner still has the file open.
    await settle();
    expect(disk.refusals).toEqual(['rename /C/a']);
    await clock.advance(400);
    expect(isDone).toBe(false);
    await scanner.close();
    for (let i = 0; i < 5 && !isDone; i++) await clock.advance(500);
    await renamed;
    expect(await disk.list('/C')).toEqual(['b']);
  });

  test.each(['EMFILE', 'ENFILE'])('repeats an open that fails with %s, on every system', async (code) => {
    const clock = new ManualClock();
    const disk = new SimulatedDisk();
    let isFull = true;
    const full = {
      open: (path: string, mode: 'write') =>
        isFull
          ? Promise.reject(new StorageError(code, `${code}: too many open files`))
          : disk.open(path, mode),
    };
    const patient = patientFileSystem(full as never, clock, false);
    let isDone = false;
    const opened = patient.open('/a', 'write').then(() => {
      isDone = true;
    });
    await clock.advance(400);
    expect(isDone).toBe(false);
    isFull = false;
    for (let i = 0; i < 5 && !isDone; i++) await clock.advance(500);
    await opened;
  });

  test('fails at once for other errors, and in the end for these', async () => {
    const clock = new ManualClock();
    const disk = new WindowsDisk(new SimulatedDisk());
    const patient = patientFileSystem(disk, clock, true);
    await disk.makeDirectory('/C');
    await disk.open('/C/a', 'write');
    await expect(patient.rename('/C/none', '/C/b')).rejects.toMatchObject({ code: 'ENOENT' });
    let failure: unknown = null;
    const removed = patient.remove('/C/a').catch((error: unknown) => {
      failure = error;
    });
    await settle();
    expect(failure).toBe(null);
    for (let i = 0; i < 100 && failure === null; i++) await clock.advance(500);
    await removed;
    expect(failure).toBeInstanceOf(StorageError);
  });
});
