/** The log messages of a start that cuts off the damaged end of a log after a crash. */
import { describe, expect, test } from 'vitest';
import { defined } from '../../src/base/assert.ts';
import { remedyFor } from '../../src/telemetry/remedies.ts';
import { batchOf, Bench, client } from './harness.ts';

const file = '/data/t-0/00000000000000000000.log';
const size = batchOf(['value 0']).length;

async function ten(bench: Bench): Promise<void> {
  const log = await bench.create();
  for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 0, client).written;
  bench.disk.processKilled();
}

describe('the log messages of recovery', () => {
  const torn = 'recovered a partition: truncated a torn tail';
  const lost = 'recovered a partition: records after a damaged place are gone from this replica';

  async function saidAfter(
    damage: (bytes: Uint8Array) => Uint8Array,
  ): Promise<[string, string, Record<string, unknown>][]> {
    const bench = new Bench();
    await ten(bench);
    bench.disk.damage(file, damage);
    await bench.reopen({}, { isClean: false });
    return bench.logged.map(([level, message], i) => [level, message, defined(bench.fields[i])]);
  }

  test.each<[string, (bytes: Uint8Array) => Uint8Array, number]>([
    ['the end of a batch is missing', (b) => b.slice(0, -7), size - 7],
    ['zeros follow the last batch', (b) => Buffer.concat([b, Buffer.alloc(4096)]), 4096],
    ['the last batch ends in zeros', (b) => b.fill(0, b.length - 61), size],
    ['garbage follows the last batch', (b) => Buffer.concat([b, Buffer.alloc(100, 0xa7)]), 100],
  ])('%s: nothing needs to be done', async (_what, damage, truncatedBytes) => {
    const said = await saidAfter(damage);
    expect(said).toMatchObject([['warn', torn, { partition: 't-0', truncatedBytes }]]);
    expect(remedyFor(torn)).toContain('Nothing needs to be done');
  });

  test.each<[string, (bytes: Uint8Array) => Uint8Array, object]>([
    [
      'a flipped bit in a record in the middle',
      (b) => b.with(4 * size + 66, (b[4 * size + 66] ?? 0) ^ 1) as Uint8Array,
      { fault: 'wrong checksum', firstOffset: 4, lastOffset: 9, truncatedBytes: 6 * size },
    ],
    [
      'a wrong length in the middle',
      (b) => b.with(4 * size + 9, 0x7f) as Uint8Array,
      { firstOffset: 4, lastOffset: 9, truncatedBytes: 6 * size },
    ],
    [
      'a hole of zeros over two batches and another one',
      (b) => b.fill(0, 2 * size + 20, 4 * size + 20).fill(0, 6 * size, 7 * size),
      { firstOffset: 2, lastOffset: 9, truncatedBytes: 8 * size },
    ],
    [
      'a flipped bit in the last record',
      (b) => b.with(b.length - 3, (b.at(-3) ?? 0) ^ 1) as Uint8Array,
      { fault: 'wrong checksum', firstOffset: 9, truncatedBytes: size },
    ],
  ])('%s: an error names the offsets', async (_what, damage, fields) => {
    const said = await saidAfter(damage);
    expect(said).toMatchObject([['error', lost, { partition: 't-0', segment: file, ...fields }]]);
    expect(remedyFor(lost)).not.toContain('Nothing');
  });

  test('name the bytes of the segments behind the damage, which are kept', async () => {
    const bench = new Bench();
    const log = await bench.create({ segmentBytes: 4 * size });
    for (let i = 0; i < 11; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 0, client).written;
    bench.disk.processKilled();
    bench.disk.damage(file, (b) => b.slice(0, 2 * size + 5));
    const again = await bench.reopen({ segmentBytes: 4 * size }, { isClean: false });
    expect(again.logEndOffset).toBe(2);
    expect(bench.logged).toEqual([['error', lost]]);
    expect(bench.fields[0]).toMatchObject({
      firstOffset: 2,
      lastOffset: 10,
      truncatedBytes: 5,
      bytesKeptAsLost: 7 * size + 1,
    });
    const kept = (await bench.fs.list('/data/t-0')).filter((name) => name.endsWith('.lost'));
    expect(kept).toHaveLength(2);
  });

  test('name lost records of which only the name of an empty segment tells', async () => {
    const bench = new Bench();
    const log = await bench.create();
    for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 0, client).written;
    await log.roll();
    await bench.fs.open(`/data/t-0/${'10'.padStart(20, '0')}.log`, 'write');
    bench.disk.processKilled();
    bench.disk.damage(file, (b) => b.slice(0, 7 * size + 5));
    await bench.reopen({}, { isClean: false });
    expect(bench.logged).toEqual([['error', lost]]);
    expect(bench.fields[0]).toMatchObject({ firstOffset: 7, lastOffset: 9, bytesKeptAsLost: 0 });
  });

  test('name the last offset of a long batch behind the damage', async () => {
    const bench = new Bench();
    const log = await bench.create();
    await log.appendAsLeader(batchOf(['first']), 0, client).written;
    // The damaged batch is full of the byte 2, the magic of batches, so that the search for the next batch meets many false
    // beginnings.
    for (const letter of ['\u0002', 'y'])
      await log.appendAsLeader(batchOf([letter.repeat(1_040_000)]), 0, client).written;
    bench.disk.processKilled();
    bench.disk.damage(file, (b) => b.with(batchOf(['first']).length + 40, 0x55) as Uint8Array);
    await bench.reopen({}, { isClean: false });
    expect(bench.fields).toMatchObject([{ firstOffset: 1, lastOffset: 2 }]);
  });
});
