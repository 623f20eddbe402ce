import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defined } from '../../src/base/assert.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batches, checkCrc } from '../../src/protocol/records/batch.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import { batchOf, Bench, client, endProcess, readAll, settle } from './harness.ts';

const file = '/data/t-0/00000000000000000000.log';

async function ten(bench: Bench): Promise<void> {
  const log = await bench.create();
  for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 0, client).written;
  bench.disk.processKilled();
}

const size = batchOf(['value 0']).length;

/** Sets the leader epoch of the tenth and last batch to 1. */
function epochOne(bytes: Uint8Array): Uint8Array {
  return bytes.with(9 * size + 15, 1) as Uint8Array;
}

describe('a damaged tail', () => {
  test.each<[string, number, (bytes: Uint8Array) => Uint8Array]>([
    ['cut', 9, (b) => b.slice(0, -7)],
    ['cut to a header', 9, (b) => b.slice(0, 9 * size + 30)],
    ['garbage behind it', 10, (b) => Buffer.concat([b, Buffer.alloc(100, 0xa7)])],
    ['zeros behind it', 10, (b) => Buffer.concat([b, Buffer.alloc(4096)])],
    // Only the batch's size and leader epoch were written; the zeros after them look like a message of format v0.
    ['zeros from its magic on', 9, (b) => epochOne(b).fill(0, 9 * size + 16) as Uint8Array],
    ['a flipped bit in a record', 9, (b) => b.with(b.length - 3, (b.at(-3) ?? 0) ^ 1) as Uint8Array],
    ['a wrong length', 9, (b) => b.with(9 * size + 9, 0x7f) as Uint8Array],
    ['a flipped bit in the middle', 4, (b) => b.with(4 * size + 50, 0x55) as Uint8Array],
    ['nothing left', 0, () => new Uint8Array(0)],
  ])('%s', async (_name, kept, damage) => {
    for (const isClean of [false, true]) {
      const bench = new Bench();
      await ten(bench);
      bench.disk.damage(file, damage);
      const log = await bench.reopen({}, { isClean, resources: bench.resources(0) });
      const want = Array.from({ length: kept }, (_, i): [number, string] => [i, `value ${i}`]);
      expect(await readAll(log)).toEqual(want);
      expect(log.appendAsLeader(batchOf(['next']), 1, client).info.firstOffset).toBe(kept);
      await settle();
      expect(await readAll(log)).toEqual([...want, [kept, 'next']]);
      const stored = await bench.fs.readFile(file);
      const { headers, stop } = batches(stored);
      expect([headers.length, stop]).toEqual([kept + 1, 'end']);
      expect(headers.every((header) => checkCrc(stored, header.at))).toBe(true);
    }
  });
});

describe('other files that are missing or damaged', () => {
  test.each(['missing', 'garbage'])('indexes: %s', async (kind) => {
    for (const isClean of [true, false]) {
      const bench = new Bench();
      const log = await bench.create({ indexIntervalBytes: 100, segmentBytes: 2000 });
      for (let i = 0; i < 80; i++)
        await log.appendAsLeader(batchOf([`${i}`], { timestamp: 1_600_000_000_000 + i }), 0, client).written;
      await log.close();
      for (const name of await bench.fs.list('/data/t-0')) {
        if (!name.endsWith('index')) continue;
        if (kind === 'missing') await bench.fs.remove(`/data/t-0/${name}`);
        else bench.disk.damage(`/data/t-0/${name}`, () => new Uint8Array(1200).fill(255));
      }
      const again = await bench.reopen(
        { indexIntervalBytes: 100 },
        { isClean, resources: bench.resources(0) },
      );
      expect((await readAll(again)).map(([offset]) => offset)).toEqual(
        Array.from({ length: 80 }, (_, i) => i),
      );
      for (const i of [0, 33, 79])
        expect((await again.offsetForTimestamp(1_600_000_000_000 + i))?.offset).toBe(i);
    }
  });

  test('leader epoch checkpoint: it is rebuilt from the batches', async () => {
    const bench = new Bench();
    const log = await bench.create();
    for (let i = 0; i < 6; i++)
      await log.appendAsLeader(batchOf([`${i}`]), Math.floor(i / 2), client).written;
    await log.close();
    bench.disk.damage('/data/t-0/leader-epoch-checkpoint', (bytes) => bytes.slice(0, 5));
    const again = await bench.reopen();
    expect(again.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 2 });
    expect(again.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 4 });
  });

  test('producer snapshot: the state is rebuilt from the batches', async () => {
    const bench = new Bench();
    const log = await bench.create({ segmentBytes: 500 });
    const from = (i: number): Uint8Array =>
      batchOf([`${i}`], { producerId: 3, producerEpoch: 0, baseSequence: i });
    for (let i = 0; i < 12; i++) await log.appendAsLeader(from(i), 0, client).written;
    await log.close();
    bench.disk.damage(`/data/t-0/${'12'.padStart(20, '0')}.snapshot`, (bytes) => bytes.fill(1, 8));
    const again = await bench.reopen();
    expect(again.appendAsLeader(from(11), 0, client).info.duplicateOf).toBe(11);
  });

  test('unknown files are kept', async () => {
    const bench = new Bench();
    await ten(bench);
    await bench.fs.open('/data/t-0/notes.txt', 'write');
    await bench.reopen({}, { isClean: false });
    expect(await bench.fs.list('/data/t-0')).toContain('notes.txt');
  });

  test('recovered records are synced before the log is opened', async () => {
    const bench = new Bench();
    await ten(bench);
    const log = await bench.reopen({}, { isClean: false });
    expect(log.recoveryPoint).toBe(10);
    bench.disk.powerCut();
    expect((await readAll(await bench.reopen({}, { isClean: false }))).length).toBe(10);
  });
});

describe('recovery from the recovery point', () => {
  const config = { segmentBytes: 1 << 20, indexIntervalBytes: 100 };
  const idempotent = (producerId: number, baseSequence: number, isTransactional = false): Uint8Array =>
    batchOf([`value ${producerId} ${baseSequence}`], {
      producerId,
      producerEpoch: 0,
      baseSequence,
      isTransactional,
    });
  const marker = (producerId: number): Uint8Array =>
    endTransactionBatch({
      type: 'abort',
      coordinatorEpoch: 0,
      producerId,
      producerEpoch: 0,
      timestamp: 1_700_000_000_000,
    });
  const coordinator = { origin: 'coordinator', requestVersion: 12 } as const;
  const unverified = { ...client, verification: 'off' } as const;

  /** Writes 100 batches, sets a recovery point within the segment, writes 20 more batches, and lets the node die. */
  async function died(bench: Bench): Promise<PartitionLog> {
    const log = await bench.create(config);
    for (let i = 0; i < 50; i++) await log.appendAsLeader(idempotent(1, i), 0, client).written;
    await log.appendAsLeader(idempotent(2, 0, true), 0, unverified).written;
    await log.appendAsLeader(marker(2), 0, coordinator).written;
    for (let i = 50; i < 98; i++) await log.appendAsLeader(idempotent(1, i), 1, client).written;
    await log.appendAsLeader(idempotent(3, 0, true), 1, unverified).written;
    await log.syncBehind();
    expect([log.recoveryPoint, log.unsyncedBytes < 500]).toEqual([101, true]);
    await log.appendAsLeader(marker(3), 1, coordinator).written;
    for (let i = 98; i < 117; i++) await log.appendAsLeader(idempotent(1, i), 2, client).written;
    endProcess(log);
    return log;
  }

  test.each(['kill', 'power cut'])('reads and syncs the records behind it: %s', async (how) => {
    const bench = new Bench();
    const before = await died(bench);
    if (how === 'kill') bench.disk.processKilled();
    else bench.disk.powerCut();
    const end = how === 'kill' ? 121 : 101;
    let readBytes = 0;
    const open = bench.disk.open.bind(bench.disk);
    Object.assign(bench.disk, {
      open: async (path: string, mode: 'read' | 'write') => {
        const file = await open(path, mode);
        if (path.endsWith('.log')) {
          const read = file.read.bind(file);
          file.read = async (...args) => {
            const count = await read(...args);
            readBytes += count;
            return count;
          };
        }
        return file;
      },
    });
    const log = await bench.reopen(config, { isClean: false, recoveryPoint: 101 });
    expect([log.logEndOffset, log.recoveryPoint, log.latestEpoch]).toEqual([
      end,
      end,
      how === 'kill' ? 2 : 1,
    ]);
    // After a kill, the start can use the producer snapshot. A power cut removes the snapshot, which was not synced, so the
    // start has to read the headers of the whole segment as well.
    if (how === 'kill') expect(readBytes).toBeLessThan(before.sizeBytes / 3);
    expect(await readAll(log)).toHaveLength(end);
    expect(await log.abortedTransactions(0, 200)).toMatchObject(
      how === 'kill' ? [{ producerId: 2 }, { producerId: 3 }] : [{ producerId: 2 }],
    );
    const next = how === 'kill' ? 117 : 98;
    expect(log.appendAsLeader(idempotent(1, next - 1), 2, client).info.duplicateOf).not.toBeNull();
    expect(log.appendAsLeader(idempotent(1, next), 2, client).info.duplicateOf).toBeNull();
  });

  test('finds damage before it in the same segment', async () => {
    const bench = new Bench();
    await died(bench);
    bench.disk.processKilled();
    const at = (await bench.fs.stat('/data/t-0/00000000000000000000.log'))?.sizeBytes ?? 0;
    bench.disk.damage('/data/t-0/00000000000000000000.log', (bytes) => {
      bytes.fill(255, Math.floor(at * 0.5));
      return bytes;
    });
    const log = await bench.reopen(config, { isClean: false, recoveryPoint: 101 });
    expect(log.logEndOffset).toBeGreaterThan(50);
    expect(log.logEndOffset).toBeLessThan(70);
    log.state.assertInvariants();
    const next = log.logEndOffset - 2;
    expect(log.appendAsLeader(idempotent(1, next), 2, client).info.duplicateOf).toBeNull();
  });

  test('syncs segments from it on only', async () => {
    const bench = new Bench();
    const log = await bench.create({ segmentBytes: 300 });
    for (let i = 0; i < 100; i++) await log.appendAsLeader(batchOf(['x']), 0, client).written;
    await log.flush();
    endProcess(log);
    bench.disk.processKilled();
    bench.disk.counts.clear();
    const again = await bench.reopen({ segmentBytes: 300 }, { isClean: false, recoveryPoint: 99 });
    expect(again.state.segments.length).toBeGreaterThan(20);
    expect(bench.disk.counts.get('sync')).toBeLessThan(6);
  });
});

/** The steps of a random run: each changes the log or ends the process. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      records: fc.integer({ min: 1, max: 4 }),
      bytes: fc.integer({ min: 0, max: 120 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('syncBehind' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('roll' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('truncate' as const), back: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('epoch' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('powerCut' as const), wait: fc.boolean() }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A log that a random run works on, with a model of the records that it must hold. */
class Run {
  readonly bench: Bench;
  readonly #config: { segmentBytes: number; indexIntervalBytes: number; flushMessages: number };
  readonly #more: Pick<ReturnType<Bench['options']>, 'callbacks'>;
  #log: PartitionLog | null = null;
  /** The recovery point as the log manager would have checkpointed it. */
  #checkpoint = 0;
  /** [offset, value] */
  #model: [number, string][] = [];
  /** The timestamp of each record, by the record's value. */
  readonly #timestamps = new Map<string, number>();
  /** How many records must survive a power cut. */
  #synced = 0;
  #epoch = 0;
  #counter = 0;
  #nextMs = 1_600_000_000_000;

  constructor(seed: number, flushMessages: number) {
    this.bench = new Bench(undefined, seed);
    this.#config = { segmentBytes: 600, indexIntervalBytes: 90, flushMessages };
    this.#more = {
      callbacks: {
        ...this.bench.options().callbacks,
        persistRecoveryPoints: async () => {
          this.#checkpoint = Math.min(this.#checkpoint, this.log.recoveryPoint);
        },
      },
    };
  }

  get log(): PartitionLog {
    return defined(this.#log);
  }

  async create(): Promise<void> {
    this.#log = await this.bench.create(this.#config, this.#more);
  }

  /**
   * Checks that the log holds a prefix of the appended records which includes all synced ones. From now on, the model is this
   * prefix.
   */
  async check(): Promise<void> {
    const found = await readAll(this.log, 200);
    expect(found).toEqual(this.#model.slice(0, found.length));
    expect(found.length).toBeGreaterThanOrEqual(this.#synced);
    expect(this.log.logEndOffset).toBe(found.length);
    this.log.state.assertInvariants();
    this.#model = found;
    // Searches by timestamp as well, because reads by offset do not use the time indexes.
    for (const [offset, value] of found) {
      const at = await this.log.offsetForTimestamp(defined(this.#timestamps.get(value)));
      expect(at?.offset).toBe(offset);
    }
  }

  async perform(action: Step): Promise<void> {
    const before = this.#model.length;
    switch (action.kind) {
      case 'append':
        return this.#append(action.records, action.bytes);
      case 'flush':
        await this.log.flush();
        return this.#allSynced();
      case 'syncBehind':
        await this.log.syncBehind();
        return this.#allSynced();
      case 'roll':
        return this.log.roll();
      case 'truncate':
        await this.log.truncateTo(Math.max(0, before - action.back));
        this.#model = this.#model.slice(0, this.log.logEndOffset);
        this.#synced = Math.min(this.#synced, this.#model.length);
        return;
      case 'epoch':
        this.#epoch += 1;
        return;
      case 'restart':
        await this.log.close();
        this.#allSynced();
        await this.#reopen(true);
        expect(this.log.logEndOffset).toBe(before);
        return this.check();
      case 'kill':
        await this.#die(() => this.bench.disk.processKilled());
        expect(this.#model.length).toBe(before);
        return;
      case 'powerCut':
        if (action.wait) await this.bench.clock.advance(10);
        return this.#die(() => this.bench.disk.powerCut());
    }
  }

  async #append(records: number, bytes: number): Promise<void> {
    // Timestamps do not follow from offsets: after a truncation, a new record at the same offset has another timestamp.
    const timestamp = this.#nextMs;
    this.#nextMs += records + bytes;
    const values = Array.from({ length: records }, () => `${this.#counter++} ${'x'.repeat(bytes)}`);
    const batch = batchOf(values, { timestamp });
    const { info, written } = this.log.appendAsLeader(batch, this.#epoch, client);
    expect(info.firstOffset).toBe(this.#model.length);
    for (const [i, value] of values.entries()) {
      this.#model.push([info.firstOffset + i, value]);
      this.#timestamps.set(value, timestamp + i);
    }
    await written;
    if (this.#config.flushMessages === 1) this.#synced = this.#model.length;
  }

  async #die(kill: () => void): Promise<void> {
    endProcess(this.log);
    kill();
    await settle();
    await this.#reopen(false);
    await this.check();
    this.#allSynced();
  }

  #allSynced(): void {
    this.#synced = this.#model.length;
    this.#checkpoint = this.log.recoveryPoint;
  }

  async #reopen(isClean: boolean): Promise<void> {
    const resources = this.bench.resources(0);
    const how = { ...this.#more, isClean, recoveryPoint: this.#checkpoint, resources };
    this.#log = await this.bench.reopen(this.#config, how).catch((error: { code?: string }) => {
      // The partition directory itself was never synced, so a power cut may remove it.
      expect([error.code, this.#synced]).toEqual(['ENOENT', 0]);
      return this.bench.create(this.#config, this.#more);
    });
  }
}

test('after any crash the log is a prefix of the appended records, with all synced ones', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.integer(),
      fc.constantFrom(1, 3, Number.MAX_SAFE_INTEGER),
      async (steps, seed, flushMessages) => {
        const run = new Run(seed, flushMessages);
        await run.create();
        for (const action of steps) await run.perform(action);
        await run.check();
        const unexpected = run.bench.failures.filter(
          (error) => (error as { code?: string }).code !== 'EBADF',
        );
        expect(unexpected).toEqual([]);
      },
    ),
    {
      numRuns: Number(process.env['LOG_RUNS'] ?? 100),
      ...(process.env['FC'] ? JSON.parse(process.env['FC']) : {}),
    },
  );
}, 120_000);

test("a truncation within a batch lowers the recovery point to the batch's base offset, so new records are synced", async () => {
  const bench = new Bench();
  const persisted: number[] = [];
  const { callbacks } = bench.options();
  const log: PartitionLog = await bench.create(
    {},
    {
      callbacks: { ...callbacks, persistRecoveryPoints: async () => void persisted.push(log.recoveryPoint) },
    },
  );
  await log.appendAsLeader(batchOf(['a', 'b', 'c']), 0, client).written;
  await log.flush();
  await log.truncateTo(2);
  expect([log.logEndOffset, persisted]).toEqual([0, [0]]);
  await log.appendAsLeader(batchOf(['d']), 0, client).written;
  endProcess(log);
  bench.disk.processKilled();
  const again = await bench.reopen({}, { isClean: false, recoveryPoint: persisted[0] as number });
  expect([again.logEndOffset, again.state.hasLostRecords]).toEqual([1, false]);
  endProcess(again);
  bench.disk.powerCut();
  const last = await bench.reopen({}, { isClean: false, recoveryPoint: again.recoveryPoint });
  expect(await readAll(last)).toEqual([[0, 'd']]);
});

test("with flush.messages=1 no record is acknowledged before its segment's directory entry is synced", async () => {
  const bench = new Bench();
  const config = { flushMessages: 1, segmentBytes: 3 * size };
  const log = await bench.create(config);
  const syncDirectory = bench.disk.syncDirectory.bind(bench.disk);
  const held: (() => void)[] = [];
  let isHeld = false;
  Object.assign(bench.disk, {
    syncDirectory: async (path: string): Promise<void> => {
      if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
      await syncDirectory(path);
    },
  });
  for (let i = 0; i < 3; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 0, client).written;
  isHeld = true;
  let isAcknowledged = false;
  const rolled = log.appendAsLeader(batchOf(['value 3']), 0, client).written.then(() => {
    isAcknowledged = true;
  });
  await settle();
  // A second flush begins while the directory sync of the first is still held back. It must not acknowledge the records before
  // that sync ends.
  const other = log.flush();
  await bench.clock.advance(0);
  expect(isAcknowledged).toBe(false);
  while (!isAcknowledged) {
    isHeld = false;
    for (const resolve of held.splice(0)) resolve();
    await settle();
  }
  await Promise.all([rolled, other]);
  bench.disk.powerCut();
  const again = await bench.reopen(config, { isClean: false });
  expect(again.logEndOffset).toBe(4);
});

test("with flush.messages=1 a directory sync that began before a new segment's file is not enough for it", async () => {
  const bench = new Bench();
  const config = { flushMessages: 1, segmentBytes: 3 * size };
  const log = await bench.create(config);
  const open = bench.disk.open.bind(bench.disk);
  let release: (() => void) | null = null;
  Object.assign(bench.disk, {
    open: async (path: string, mode: 'read' | 'write') => {
      if (mode === 'write' && path.endsWith('3.log') && release === null) {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      return open(path, mode);
    },
  });
  for (let i = 0; i < 3; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 0, client).written;
  const rolled = log.appendAsLeader(batchOf(['value 3']), 0, client).written;
  await settle();
  expect(release).not.toBe(null);
  await log.flush();
  (release as unknown as () => void)();
  await rolled;
  bench.disk.powerCut();
  const again = await bench.reopen(config, { isClean: false });
  expect(again.logEndOffset).toBe(4);
});
