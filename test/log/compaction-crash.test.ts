/** The process or the machine dies in the middle of a compaction, and again in the middle of the next start. */
import { expect, test } from 'vitest';
import { replaceFile } from '../../src/base/file-system.ts';
import { cleanableRange, compact } from '../../src/log/compaction/compaction.ts';
import { finishSwaps } from '../../src/log/recovery/log-swaps.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batches } from '../../src/protocol/records/batch.ts';
import { decodeRecords } from '../../src/protocol/records/record.ts';
import { batchOf, Bench, client, endProcess } from './harness.ts';

const compacted = { cleanupPolicy: { delete: false, compact: true }, segmentBytes: 400 };
const directory = '/data/t-0';
const decoder = new TextDecoder();

/** Every fourth key occurs only once, so that compaction leaves at least one record in every segment. */
const keyOf = (offset: number): string => (offset % 4 === 0 ? `once ${offset}` : `k${offset % 3}`);

/** Reads the log from its start and returns [offset, key, value] of all records. */
async function contents(log: PartitionLog): Promise<[number, string, string][]> {
  const found: [number, string, string][] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const result = await log.read(offset, 500, log.logEndOffset, true);
    if (result.records.length === 0) break;
    for (const header of batches(result.records).headers)
      for (const r of decodeRecords(header))
        found.push([r.offset, decoder.decode(r.key ?? undefined), decoder.decode(r.value ?? undefined)]);
    offset = result.nextOffset;
  }
  return found;
}

const newest = new Map(Array.from({ length: 24 }, (_, i): [string, number] => [keyOf(i), i]));

/** Lets the disk carry out `count` more operations; all later ones fail, until this is called again with Infinity. */
function failAfter(bench: Bench, count: number): void {
  let operations = 0;
  bench.disk.fault = () => (operations++ >= count ? 'EIO' : null);
}

async function check(bench: Bench, what: string): Promise<void> {
  const log = await bench.reopen(compacted, { isClean: false, recoveryPoint: 24 });
  const found = await contents(log);
  expect(new Map(found.map(([offset, key]) => [key, offset])), what).toEqual(newest);
  for (const [i, [offset, key, value]] of found.entries()) {
    expect([key, value], what).toEqual([keyOf(offset), `v${offset}`]);
    expect(offset, what).toBeGreaterThan(found[i - 1]?.[0] ?? -1);
  }
  expect(log.logEndOffset, what).toBe(24);
  expect([log.missingFrom, log.state.hasLostRecords], what).toEqual([null, false]);
  // Segments do not overlap: each ends at or before the beginning of the next.
  for (const [i, segment] of log.state.segments.entries()) {
    const { nextOffset } = await segment.scan(0, false, () => undefined);
    expect(nextOffset ?? segment.baseOffset, what).toBeLessThanOrEqual(log.state.endOfSegment(i));
  }
  const names = await bench.fs.list(directory);
  expect(names.filter((name) => /swap|cleaned|deleted/.test(name))).toEqual([]);
  endProcess(log);
}

/** Starts a compaction whose disk fails after `crashAt` operations. */
async function cutOff(bench: Bench, crashAt: number): Promise<void> {
  const log = await bench.create(compacted);
  for (let i = 0; i < 24; i++)
    await log.appendAsLeader(batchOf([`v${i}`], { key: keyOf(i) }), 0, client).written;
  await log.roll();
  log.setHighWatermark(24);
  await log.flush();
  // With larger segments, compaction merges several old segments into one new segment.
  log.updateConfig({ ...log.state.config, segmentBytes: 1000 });
  failAfter(bench, crashAt);
  const range = await cleanableRange(log, 0).catch(() => null);
  if (range !== null) await compact(log, range).catch(() => undefined);
  endProcess(log);
  failAfter(bench, Infinity);
}

/**
 * Leaves what a power cut between the renames of a compaction may leave: an index has its `.swap` name, and the log has not.
 * Returns the path of the old index, with its content.
 */
async function cutBetweenRenames(bench: Bench): Promise<{ path: string; index: Uint8Array }> {
  await cutOff(bench, 0);
  const [first] = (await bench.fs.list(directory)).filter((name) => name.endsWith('.log')).sort();
  const base = `${directory}/${first?.slice(0, -4) ?? ''}`;
  const path = `${base}.timeindex`;
  const index = await bench.fs.readFile(path);
  await replaceFile(bench.fs, `${path}.swap`, new Uint8Array(24));
  await replaceFile(bench.fs, `${base}.log.cleaned`, new Uint8Array(0));
  return { path, index };
}

test('at a start, a .swap index without its .swap log is removed', async () => {
  const bench = new Bench();
  const { path, index } = await cutBetweenRenames(bench);
  await check(bench, 'cut off between the renames');
  expect(await bench.fs.readFile(path)).toEqual(index);
});

test('a .swap index without its .swap log never takes the place of the old index', async () => {
  const bench = new Bench();
  const { path, index } = await cutBetweenRenames(bench);
  // Asked here and not after a start, because a start makes an index anew that does not fit its log.
  const names = await finishSwaps(bench.fs, directory, await bench.fs.list(directory));
  expect(await bench.fs.readFile(path)).toEqual(index);
  expect(names.filter((name) => /swap|cleaned/.test(name))).toEqual([]);
});

test('a crash at any step leaves the old or the new content', async () => {
  for (let crashAt = 0; crashAt < 60; crashAt++) {
    for (const how of ['kill', 'power', 1, 2, 3, 4, 5, 6] as const) {
      const bench = new Bench(undefined, typeof how === 'number' ? how * 1000 + crashAt : undefined);
      await cutOff(bench, crashAt);
      if (how === 'kill') bench.disk.processKilled();
      else bench.disk.powerCut();
      await check(bench, `operation ${crashAt}, ${how}`);
    }
  }
});

test('a power cut during the start after a crash leaves the old or the new content', async () => {
  // These operations lie between the rename that makes the new segment valid and the removal of the last old segment.
  for (let crashAt = 32; crashAt < 39; crashAt++) {
    for (let again = 1; again < 24; again += 1) {
      for (let seed = 1; seed <= 6; seed++) {
        const bench = new Bench(undefined, (crashAt * 100 + again) * 10 + seed);
        await cutOff(bench, crashAt);
        bench.disk.processKilled();
        failAfter(bench, again);
        await bench.reopen(compacted, { isClean: false, recoveryPoint: 24 }).catch(() => null);
        failAfter(bench, Infinity);
        bench.disk.powerCut();
        await check(bench, `operation ${crashAt}, then ${again}`);
      }
    }
  }
});
