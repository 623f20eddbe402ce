/** The file with a segment's aborted transactions: which of them survive a power cut. */
import { describe, expect, test } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import type { FileSystem } from '../../src/base/file-system.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import {
  type AbortedTransaction,
  decodeAborted,
  encodeAborted,
  TransactionIndex,
} from '../../src/log/segment/transaction-index.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import { batchOf, Bench, client, endProcess } from './harness.ts';

const path = '/data/0.txnindex';
const seeds = 300;

function entryAt(lastOffset: number): AbortedTransaction {
  return { producerId: 7, firstOffset: lastOffset - 1, lastOffset, lastStableOffset: lastOffset };
}

/** Reads the file. Null when it is damaged, in which case the log would rebuild it from the records. */
async function reload(fs: FileSystem): Promise<AbortedTransaction[] | null> {
  return (await fs.stat(path)) === null ? [] : decodeAborted(await fs.readFile(path));
}

describe('a transaction index', () => {
  test('has every synced entry after a power cut, or is known to be damaged', async () => {
    let wholeCount = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const bench = new Bench(undefined, seed);
      const { disk } = bench;
      await disk.makeDirectory('/data');
      await disk.syncDirectory('/');
      const random = new SeededRandom(seed);
      let index = new TransactionIndex([]);
      let durable: readonly AbortedTransaction[] = [];
      let offset = 1;
      for (let step = 0; step < 40; step++) {
        const choice = random.u32() % 10;
        if (choice < 5) index.append(entryAt((offset += 2)));
        else if (choice < 7) await index.write(disk, path, false);
        else if (choice === 7) {
          const { entries } = index;
          // A flush that begins while a write without sync is running.
          await Promise.all([index.write(disk, path, false), index.write(disk, path, true)]);
          await disk.syncDirectory('/data');
          durable = [...entries];
        } else if (choice === 8) {
          const cut = offset - (random.u32() % 6);
          index.truncateTo(cut);
          durable = durable.filter(({ lastOffset }) => lastOffset < cut);
        } else {
          disk.powerCut();
          const found = await reload(disk);
          if (found === null) {
            index = TransactionIndex.anew(durable);
            continue;
          }
          wholeCount += 1;
          expect(found.slice(0, durable.length), `seed ${seed}, step ${step}`).toEqual(durable);
          index = new TransactionIndex(found);
          // Cut off what follows the durable entries, as a log does before it adds later transactions again from the records.
          index.truncateTo((durable.at(-1)?.lastOffset ?? 0) + 1);
        }
      }
    }
    expect(wholeCount).toBeGreaterThan(seeds);
  });

  test('is flushed only when a write in progress has ended', async () => {
    const order: string[] = [];
    const file = {
      truncate: () => Promise.resolve(),
      write: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        order.push('written');
      },
      sync: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const fs = { open: () => Promise.resolve(file) } as unknown as FileSystem;
    const index = new TransactionIndex([]);
    index.append(entryAt(3));
    void index.write(fs, path, false);
    expect(index.isUnsynced).toBe(true);
    await index.write(fs, path, true).then(() => order.push('flushed'));
    expect(order).toEqual(['written', 'flushed']);
    expect(index.isUnsynced).toBe(false);
  });

  test('is replaced by another list as a whole: a crash leaves one of the two', async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { disk } = new Bench(undefined, seed);
      await disk.makeDirectory('/data');
      await disk.syncDirectory('/');
      const before = [entryAt(3), entryAt(5), entryAt(7)];
      const first = new TransactionIndex([]);
      for (const entry of before) first.append(entry);
      await first.write(disk, path, true);
      await disk.syncDirectory('/data');
      const after = [entryAt(5), entryAt(9)];
      const writing = TransactionIndex.anew(after).write(disk, path, true);
      writing.catch(() => undefined);
      for (let turns = seed % 20; turns > 0; turns--) await Promise.resolve();
      disk.powerCut();
      const found = await reload(disk);
      expect([before, after], `seed ${seed}`).toContainEqual(found);
    }
  });

  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['an end torn to a byte', (bytes) => bytes.subarray(0, 2 * 34 + 1)],
    ['an end torn to one byte less than an entry', (bytes) => bytes.subarray(0, 3 * 34 - 1)],
    ['another version', (bytes) => bytes.with(34 + 1, 1) as Uint8Array],
    ['an entry of zeros', (bytes) => bytes.fill(0, 34, 2 * 34)],
    ['a marker in front of its transaction', (bytes) => bytes.with(34 + 17, 9) as Uint8Array],
    ['an offset of another segment', (bytes) => bytes.with(2 * 34 + 25, 77) as Uint8Array],
    ['a stable offset behind the marker', (bytes) => bytes.with(34 + 33, 99) as Uint8Array],
    ['an order that goes back', (bytes) => Buffer.concat([bytes, bytes.subarray(0, 34)])],
  ])('with %s is refused', (_what, damage) => {
    const entries = [entryAt(3), entryAt(5), entryAt(7)];
    const range = { from: 0, to: 20 };
    expect(decodeAborted(encodeAborted(entries), range)).toEqual(entries);
    expect(decodeAborted(damage(encodeAborted(entries)), range)).toBe(null);
  });
});

describe('a damaged transaction index is rebuilt', () => {
  const coordinator = { origin: 'coordinator', requestVersion: 12 } as const;
  const unverified = { ...client, verification: 'off' } as const;
  const config = { segmentBytes: 1_000 };

  /**
   * Writes aborted transactions into several segments. The transaction of another producer stays open while the segment rolls.
   */
  async function history(bench: Bench): Promise<{ log: PartitionLog; aborted: AbortedTransaction[] }> {
    const log = await bench.create(config);
    const send = (producerId: number, baseSequence: number): Promise<void> =>
      log.appendAsLeader(
        batchOf([`${producerId}`], { producerId, producerEpoch: 0, baseSequence, isTransactional: true }),
        0,
        unverified,
      ).written;
    const end = (producerId: number, type: 'abort' | 'commit'): Promise<void> =>
      log.appendAsLeader(
        endTransactionBatch({ type, coordinatorEpoch: 0, producerId, producerEpoch: 0, timestamp: 1 }),
        0,
        coordinator,
      ).written;
    await send(9, 0);
    for (let i = 0; i < 24; i++) {
      await send(1, i);
      await end(1, i % 3 === 2 ? 'commit' : 'abort');
      if (i === 12) await end(9, 'abort');
    }
    log.setHighWatermark(log.logEndOffset);
    const aborted = await log.abortedTransactions(0, log.logEndOffset);
    expect(aborted).toHaveLength(17);
    expect(log.state.segments.length).toBeGreaterThan(3);
    return { log, aborted };
  }

  const damages: [string, ((bytes: Uint8Array) => Uint8Array) | null][] = [
    ['zeros in its middle', (bytes) => bytes.fill(0, 34, 2 * 34)],
    ['torn', (bytes) => bytes.subarray(0, bytes.length - 20)],
    ['garbage', (bytes) => bytes.fill(0xa7)],
    ['deleted', null],
    ['emptied', (bytes) => bytes.subarray(0, 0)],
    ['without its last entry', (bytes) => bytes.subarray(0, bytes.length - 34)],
    ['without its first entry', (bytes) => bytes.subarray(34)],
    ['with another producer id', (bytes) => bytes.with(9, 77) as Uint8Array],
    ['with another first offset', (bytes) => bytes.with(17, (bytes[17] ?? 0) - 1) as Uint8Array],
  ];

  describe.each(damages)('%s', (_what, damage) => {
    test.each(['clean start', 'start after a crash', 'start without snapshots'])('%s', async (how) => {
      const bench = new Bench();
      const { log, aborted } = await history(bench);
      if (how === 'start after a crash') {
        await log.flush();
        endProcess(log);
        bench.disk.processKilled();
      } else await log.close();
      const names = await bench.fs.list('/data/t-0');
      const indexes = names.filter((name) => name.endsWith('.txnindex'));
      expect(indexes.length).toBeGreaterThan(3);
      for (const name of indexes)
        if (damage === null) await bench.fs.remove(`/data/t-0/${name}`);
        else bench.disk.damage(`/data/t-0/${name}`, damage);
      if (how === 'start without snapshots')
        for (const name of names) if (name.endsWith('.snapshot')) await bench.fs.remove(`/data/t-0/${name}`);
      const more = { isClean: how !== 'start after a crash', recoveryPoint: log.logEndOffset };
      const again = await bench.reopen(config, more);
      expect(await again.abortedTransactions(0, again.logEndOffset)).toEqual(aborted);
      expect(bench.logged.map(([, message]) => message)).toContain(
        'a transaction index is damaged and is made again from its segment',
      );
      // The rebuilt index is durable: after a power cut it is there.
      endProcess(again);
      bench.disk.powerCut();
      bench.logged.length = 0;
      const third = await bench.reopen(config, { ...more, isClean: false });
      expect(await third.abortedTransactions(0, third.logEndOffset)).toEqual(aborted);
      expect(bench.logged.filter(([, message]) => message.includes('transaction index'))).toEqual([]);
    });
  });

  test('with an additional entry', async () => {
    const bench = new Bench();
    const { log, aborted } = await history(bench);
    await log.close();
    const segment = log.state.segments[1];
    const last = segment?.aborted.at(-1);
    assert(segment !== undefined && last !== undefined, 'the second segment has aborted transactions');
    const more = { ...last, firstOffset: last.lastOffset, lastOffset: last.lastOffset + 1 };
    bench.disk.damage(segment.pathOf('txnindex'), (bytes) => Buffer.concat([bytes, encodeAborted([more])]));
    const again = await bench.reopen(config, { recoveryPoint: log.logEndOffset });
    expect(await again.abortedTransactions(0, again.logEndOffset)).toEqual(aborted);
    expect(bench.fields).toMatchObject([{ fault: 'other entries than were written' }]);
  });

  test('but the index of a directory from Apache Kafka, without segment checkpoint, is used as it is', async () => {
    const bench = new Bench();
    const { log, aborted } = await history(bench);
    await log.close();
    await bench.fs.remove('/data/t-0/segment-checkpoint');
    for (const isClean of [true, false]) {
      const again = await bench.reopen(config, { isClean, recoveryPoint: log.logEndOffset });
      expect(await again.abortedTransactions(0, again.logEndOffset)).toEqual(aborted);
      await again.abandon();
    }
    expect(bench.logged).toEqual([]);
  });

  test.each([true, false])('with all files but the segments deleted, clean start %s', async (isClean) => {
    const bench = new Bench();
    const { log, aborted } = await history(bench);
    await log.close();
    for (const name of await bench.fs.list('/data/t-0'))
      if (!name.endsWith('.log')) await bench.fs.remove(`/data/t-0/${name}`);
    const again = await bench.reopen(config, { isClean, recoveryPoint: log.logEndOffset });
    expect(await again.abortedTransactions(0, again.logEndOffset)).toEqual(aborted);
    expect(bench.logged.map(([, message]) => message)).toContain(
      'a transaction index is damaged and is made again from its segment',
    );
  });

  test('from its own readable entries when its segment is damaged as well', async () => {
    const bench = new Bench();
    const { log, aborted } = await history(bench);
    await log.close();
    const name = '/data/t-0/00000000000000000000';
    bench.disk.damage(`${name}.txnindex`, (bytes) => bytes.fill(0, 34, 2 * 34));
    bench.disk.damage(`${name}.log`, (bytes) => bytes.fill(0xa7, 60, 200));
    const again = await bench.reopen(config);
    const found = await again.abortedTransactions(0, again.logEndOffset);
    expect(found).toEqual(aborted.filter((_entry, i) => i !== 2));
    expect(bench.logged).toContainEqual(['error', 'a transaction index and its segment are damaged']);
  });
});
