/** What the list of aborted transactions of a segment keeps over a loss of power. */
import { describe, expect, test } from 'vitest';
import type { FileSystem } from '../../src/base/file-system.ts';
import {
  type AbortedTransaction,
  encodeAborted,
  TransactionIndex,
} from '../../src/log/segment/transaction-index.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import { Bench } from './harness.ts';

const path = '/data/0.txnindex';
const seeds = 300;

function entryAt(lastOffset: number): AbortedTransaction {
  return { producerId: 7, firstOffset: lastOffset - 1, lastOffset, lastStableOffset: lastOffset };
}

async function reload(fs: FileSystem): Promise<TransactionIndex> {
  if ((await fs.stat(path)) === null) return new TransactionIndex([]);
  const content = await fs.readFile(path);
  return TransactionIndex.of(content);
}

describe('a transaction index', () => {
  test('keeps every synced entry, whatever a loss of power tears', async () => {
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
          // A flush beside a write that is under way.
          await Promise.all([index.write(disk, path, false), index.write(disk, path, true)]);
          await disk.syncDirectory('/data');
          durable = [...entries];
        } else if (choice === 8) {
          const cut = offset - (random.u32() % 6);
          index.truncateTo(cut);
          durable = durable.filter(({ lastOffset }) => lastOffset < cut);
        } else {
          disk.powerCut();
          index = await reload(disk);
          expect(index.entries.slice(0, durable.length), `seed ${seed}, step ${step}`).toEqual(durable);
          // What is behind it is replayed from the log.
          index.truncateTo((durable.at(-1)?.lastOffset ?? 0) + 1);
        }
      }
    }
  });

  test('a flush does not end before a write that was under way', async () => {
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

  test.each([0, 1, 33])('an end torn to %d bytes of the next entry leaves the others', (bytes) => {
    const entries = [entryAt(3), entryAt(5), entryAt(7)];
    const content = encodeAborted(entries).subarray(0, 2 * 34 + bytes);
    const index = TransactionIndex.of(content);
    expect(index.entries).toEqual(entries.slice(0, 2));
    expect(index.isDirty).toBe(bytes > 0);
  });
});
