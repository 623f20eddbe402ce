/**
 * Log directories that a later release has written: what is unknown and may be needed ends the start, which says so and changes
 * no record. Checkpoints that can be made again are ignored with a warning, as in Kafka.
 */
import { expect, test } from 'vitest';
import { LaterReleaseError } from '../../src/base/later-release.ts';
import { defaultLogConfig, type LogConfig } from '../../src/log/log-config.ts';
import { parseMetaProperties } from '../../src/log/directories/meta-properties.ts';
import { crc32c } from '../../src/protocol/records/crc32c.ts';
import { batchOf, Bench, client, openManager, topicId } from './harness.ts';

const config: LogConfig = { ...defaultLogConfig, segmentBytes: 300 };
const recordCount = 12;

/** A manager that has stopped cleanly, with one partition of several segments. */
async function stopped(): Promise<Bench> {
  const bench = new Bench();
  const logs = await openManager(bench, config);
  const log = await logs.getOrCreate('t', 0, topicId, config, null, true);
  for (let i = 0; i < recordCount; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 3, client).written;
  log.setHighWatermark(recordCount);
  await logs.shutdown(77);
  bench.logged.length = 0;
  return bench;
}

async function replace(bench: Bench, path: string, text: string): Promise<void> {
  await bench.fs.remove(path);
  const file = await bench.fs.open(path, 'write');
  await file.write([new TextEncoder().encode(text)], 0);
  await file.close();
}

async function textOf(bench: Bench, path: string): Promise<string> {
  return new TextDecoder().decode(await bench.fs.readFile(path));
}

const laterSegmentCheckpoint = (text: string): string => {
  const covered = text.slice(0, text.lastIndexOf('crc ')).replace(/^0\n/, '1\nnewer 1 2 three\n');
  return `${covered}crc ${crc32c(new TextEncoder().encode(covered))}\n`;
};

test.each([
  ['/a/t-0/segment-checkpoint', laterSegmentCheckpoint, /^\/a\/t-0\/segment-checkpoint: it has version 1/],
  [
    '/a/t-0/partition.metadata',
    (text: string) => `${text.replace('version: 0', 'version: 1')}\nmore: 1`,
    /^\/a\/t-0\/partition\.metadata has version 1/,
  ],
  [
    '/a/lost-records-checkpoint',
    () => '1\n1\nt 0 3 more\n',
    /^\/a\/lost-records-checkpoint: it has version 1/,
  ],
])(
  '%s of a later version ends the start, and the later release finds everything',
  async (path, change, says) => {
    const bench = await stopped();
    const before = (await bench.fs.stat(path)) === null ? null : await textOf(bench, path);
    const later = change(before ?? '');
    await replace(bench, path, later);
    const opening = openManager(bench, config);
    await expect(opening).rejects.toThrow(LaterReleaseError);
    await expect(opening).rejects.toThrow(says);
    expect(await textOf(bench, path)).toBe(later);
    // The later release can read its file.
    if (before === null) await bench.fs.remove(path);
    else await replace(bench, path, before);
    const logs = await openManager(bench, config);
    const log = logs.get('t', 0);
    expect([log?.logEndOffset, log?.topicId]).toEqual([recordCount, topicId]);
  },
);

test.each([
  'recovery-point-offset-checkpoint',
  'replication-offset-checkpoint',
  't-0/leader-epoch-checkpoint',
])('%s of a later version is ignored with a warning, and written anew', async (name) => {
  const bench = await stopped();
  await replace(bench, `/a/${name}`, (await textOf(bench, `/a/${name}`)).replace(/^0/, '1'));
  const logs = await openManager(bench, config);
  expect(bench.logged.filter(([level]) => level === 'warn')).toHaveLength(1);
  expect([logs.get('t', 0)?.logEndOffset, logs.get('t', 0)?.latestEpoch]).toEqual([recordCount, 3]);
  await logs.shutdown(78);
  expect(await textOf(bench, `/a/${name}`)).toMatch(/^0\n1\n/);
});

test('a producer snapshot of a later version is deleted, and the producers are read from the log', async () => {
  const bench = await stopped();
  const path = `/a/t-0/${String(recordCount).padStart(20, '0')}.snapshot`;
  const file = await bench.fs.open(path, 'write');
  await file.write([Uint8Array.of(0, 2, 1, 2, 3, 4)], 0);
  await file.close();
  const logs = await openManager(bench, config);
  expect(logs.get('t', 0)?.logEndOffset).toBe(recordCount);
  expect(bench.logged.filter(([level]) => level === 'error')).toEqual([]);
});

test('a meta.properties of a later version is refused in the words of Kafka, one of ZooKeeper or garbage differently', () => {
  const of = (version: string) => () => parseMetaProperties(`cluster.id=c\nnode.id=1\nversion=${version}\n`);
  expect(of('2')).toThrow(LaterReleaseError);
  expect(of('2')).toThrow(/^Unknown meta\.properties version number 2\. A later release/);
  expect(of('0')).toThrow(/ZooKeeper/);
  expect(of('x')).toThrow("Invalid meta.properties version string 'x'");
});
