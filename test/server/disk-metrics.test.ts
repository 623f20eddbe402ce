import { expect, test } from 'vitest';
import { type FileHandle, type FileSystem, StorageError } from '../../src/base/file-system.ts';
import { DiskMetrics } from '../../src/server/metrics/disk-metrics.ts';

test('reads, writes and syncs are measured, also when they fail; other operations are passed on', async () => {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, wallMs: () => nowMs };
  const takes = <T>(durationMs: number, result: T): Promise<T> => {
    nowMs += durationMs;
    return Promise.resolve(result);
  };
  const handle = {
    read: () => takes(2, 7),
    write: () => takes(4, undefined),
    sync: () => {
      nowMs += 100;
      return Promise.reject(new StorageError('EIO', 'broken'));
    },
    truncate: () => takes(50, undefined),
    close: () => takes(50, undefined),
  } as FileHandle;
  const disk = new DiskMetrics(clock);
  const fs = disk.measured({
    open: () => Promise.resolve(handle),
    readFile: () => takes(6, new Uint8Array(3)),
    syncDirectory: () => takes(10, undefined),
  } as unknown as FileSystem);
  const file = await fs.open('f', 'write');
  expect(await file.read(new Uint8Array(1), 0, 1, 0)).toBe(7);
  await file.write([], 0);
  await expect(file.sync()).rejects.toThrow('broken');
  await file.truncate(1);
  await file.close();
  expect(await fs.readFile('f')).toHaveLength(3);
  await fs.syncDirectory('d');
  disk.flushed(33);
  const told: unknown[] = [];
  void disk.collect((name, value, labels, extra) => {
    if (extra?.suffix !== undefined) told.push([name, ...(labels ?? []), extra.suffix, value]);
  });
  expect(told).toEqual([
    ['bendemann_disk_timems', 'read', '_sum', 8],
    ['bendemann_disk_timems', 'read', '_count', 2],
    ['bendemann_disk_timems', 'write', '_sum', 4],
    ['bendemann_disk_timems', 'write', '_count', 1],
    ['bendemann_disk_timems', 'sync', '_sum', 110],
    ['bendemann_disk_timems', 'sync', '_count', 2],
    ['kafka_log_logflushstats_logflushrateandtimems', '_sum', 33],
    ['kafka_log_logflushstats_logflushrateandtimems', '_count', 1],
  ]);
});
