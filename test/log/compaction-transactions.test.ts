/**
 * Compaction of a log with transactions, checked against a model that keeps every record. At random there are producers, a
 * coordinator that writes without sequence numbers, compaction passes that end within a segment, restarts, and crashes in the
 * middle of a pass.
 *
 *   SEED=7 npm test -- test/log/compaction-transactions.test.ts    runs one seed again; RUNS=500 runs more seeds
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defined } from '../../src/base/assert.ts';
import { AbortedTransactions } from '../../src/client/aborted-transactions.ts';
import { cleanableRange, compact } from '../../src/log/compaction/compaction.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { type BatchHeader, batches } from '../../src/protocol/records/batch.ts';
import { buildBatch } from '../../src/protocol/records/builder.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import { decodeRecords } from '../../src/protocol/records/record.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import { Bench, client, endProcess } from './harness.ts';

const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
const retentionMs = 60_000;
const keys = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6'];
const config = {
  cleanupPolicy: { delete: false, compact: true },
  segmentBytes: 700,
  deleteRetentionMs: retentionMs,
};
const unverified = { ...client, verification: 'off' } as const;
const coordinator = { origin: 'coordinator', requestVersion: 13, verification: 'off' } as const;

/** A record that was written to the log at some time; compaction may have removed it since. */
interface Written {
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
  readonly transaction: Transaction | null;
}

interface Transaction {
  readonly firstOffset: number;
  result: 'open' | 'commit' | 'abort';
}

interface Producer {
  readonly id: number;
  /** When true, it writes without sequence numbers, as the group coordinator does. */
  readonly isCoordinator: boolean;
  readonly version: 1 | 2;
  epoch: number;
  /** Sequence number of the next record in this producer epoch. */
  sequence: number;
  hasWritten: boolean;
  transaction: Transaction | null;
}

class Run {
  readonly #random: SeededRandom;
  readonly #bench: Bench;
  readonly #all: Written[] = [];
  readonly #producers: Producer[];
  #log!: PartitionLog;
  #checkpoint = 0;
  /**
   * End offset of what compaction has tried to clean, in passes that crashed too. A record below it may be missing if a later
   * record has the same key or if it is a tombstone.
   */
  #tried = 0;
  /** The recovery point that a compaction pass has checkpointed. */
  #recoveryPoint = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#bench = new Bench(undefined, seed);
    this.#producers = [1, 2, 3, 4].map((id) => ({
      id,
      isCoordinator: id === 4,
      version: this.#chance(2) ? 1 : 2,
      epoch: 0,
      sequence: 0,
      hasWritten: false,
      transaction: null,
    }));
  }

  async start(): Promise<void> {
    this.#log = await this.#bench.create(config, { resources: this.#bench.resources(0) });
  }

  #chance(of: number): boolean {
    return this.#random.u32() % of === 0;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.u32() % list.length] as T;
  }

  async step(): Promise<void> {
    this.#bench.clock.nowMs += this.#random.u32() % 2_000;
    const dice = this.#random.u32() % 100;
    if (dice < 20) await this.write(null);
    else if (dice < 65) await this.write(this.#pick(this.#producers));
    else if (dice < 84) await this.end(this.#pick(this.#producers));
    else if (dice < 87) this.#bench.clock.nowMs += retentionMs;
    else if (dice < 95) await this.clean({ keysMax: 1 + (this.#random.u32() % 6), keyBytesMax: 1 << 20 });
    else if (this.#log.logEndOffset === 0) return;
    else if (dice < 97) await this.reopen();
    else await this.crashWhileCleaning();
  }

  #keys(): string[] {
    return Array.from({ length: 1 + (this.#random.u32() % 3) }, () => this.#pick(keys));
  }

  async write(producer: Producer | null, written = this.#keys()): Promise<void> {
    const records = written.map((key) => ({
      key,
      value: this.#chance(8) ? null : `v${this.#random.u32()}`,
    }));
    const bytes = buildBatch({
      records: records.map(({ key, value }) => ({
        key: encoder.encode(key),
        value: value === null ? null : encoder.encode(value),
        timestamp: this.#bench.clock.nowMs,
      })),
      compression: this.#chance(3) ? 'gzip' : 'none',
      ...(producer === null ? {} : { producerId: producer.id, producerEpoch: producer.epoch }),
      baseSequence: producer === null || producer.isCoordinator ? -1 : producer.sequence,
      isTransactional: producer !== null,
    });
    const options = producer?.isCoordinator === true ? coordinator : unverified;
    const { info, written: isWritten } = this.#log.appendAsLeader(bytes, 0, options);
    await isWritten;
    if (producer !== null) {
      producer.transaction ??= { firstOffset: info.firstOffset, result: 'open' };
      producer.sequence += records.length;
      producer.hasWritten = true;
    }
    const transaction = producer?.transaction ?? null;
    for (const [at, record] of records.entries())
      this.#all.push({ offset: info.firstOffset + at, ...record, transaction });
    this.#committed();
  }

  /**
   * Writes the marker of the producer's transaction, sometimes twice. It may also be called when the producer has no open
   * transaction in this log.
   */
  async end(producer: Producer): Promise<void> {
    const type = this.#chance(2) ? 'commit' : 'abort';
    const producerEpoch = producer.version === 2 ? producer.epoch + 1 : producer.epoch;
    for (let copies = this.#chance(6) ? 2 : 1; copies > 0; copies--) {
      const bytes = endTransactionBatch({
        type,
        coordinatorEpoch: 1,
        producerId: producer.id,
        producerEpoch,
        timestamp: this.#bench.clock.nowMs,
      });
      const transactionVersion = producer.version;
      await this.#log.appendAsLeader(bytes, 0, { ...coordinator, transactionVersion }).written;
    }
    if (producer.transaction !== null) producer.transaction.result = type;
    producer.transaction = null;
    if (producer.version === 2)
      Object.assign(producer, { epoch: producerEpoch, sequence: 0, hasWritten: false });
    this.#committed();
  }

  #committed(): void {
    this.#log.setHighWatermark(this.#log.logEndOffset);
  }

  async clean(bounds?: { keysMax: number; keyBytesMax: number }): Promise<void> {
    if (this.#chance(2)) await this.#log.roll();
    const range = await cleanableRange(this.#log, this.#checkpoint);
    if (range === null) return;
    this.#tried = Math.max(this.#tried, range.end);
    this.#recoveryPoint = this.#log.logEndOffset;
    this.#checkpoint = await compact(this.#log, range, bounds);
    await this.check();
  }

  async reopen(isClean = this.#chance(2)): Promise<void> {
    await this.#log.flush();
    const end = this.#log.logEndOffset;
    if (isClean) await this.#log.close();
    await this.#open(isClean, end);
  }

  async crashWhileCleaning(): Promise<void> {
    await this.#log.roll();
    await this.#log.flush();
    const end = this.#log.logEndOffset;
    this.#recoveryPoint = end;
    const crashAt = this.#random.u32() % 60;
    let operations = 0;
    this.#bench.disk.fault = () => (operations++ >= crashAt ? 'EIO' : null);
    const range = await cleanableRange(this.#log, this.#checkpoint).catch(() => null);
    this.#tried = Math.max(this.#tried, range?.end ?? 0);
    if (range !== null) await compact(this.#log, range).catch(() => undefined);
    endProcess(this.#log);
    this.#bench.disk.fault = () => null;
    if (this.#chance(2)) this.#bench.disk.processKilled();
    else this.#bench.disk.powerCut();
    await this.#open(false, end);
  }

  async #open(isClean: boolean, end: number): Promise<void> {
    if (!isClean) {
      endProcess(this.#log);
      const names = await this.#bench.fs.list('/data/t-0');
      // Without its snapshots, the log has to rebuild the state of all producers from the records.
      for (const name of names.filter((one) => one.endsWith('.snapshot')))
        await this.#bench.fs.remove(`/data/t-0/${name}`);
    }
    const recoveryPoint = isClean ? end : this.#pick([this.#recoveryPoint, end]);
    this.#log = await this.#bench.reopen(config, {
      isClean,
      recoveryPoint,
      highWatermark: end,
      resources: this.#bench.resources(0),
    });
    expect(this.#log.logEndOffset).toBe(end);
    await this.check();
  }

  async check(): Promise<void> {
    const log = this.#log;
    const open = this.#producers.flatMap(({ transaction }) => transaction?.firstOffset ?? []);
    expect(log.lastStableOffset).toBe(Math.min(log.highWatermark, ...open));
    const seen = await visible(log, this.#random);
    const committed = this.#all.filter(
      ({ offset, transaction }) =>
        offset < log.lastStableOffset && (transaction === null || transaction.result === 'commit'),
    );
    const byOffset = new Map(committed.map((one) => [one.offset, one]));
    for (const { offset, key, value } of seen) expect(byOffset.get(offset)).toMatchObject({ key, value });
    const found = new Set(seen.map(({ offset }) => offset));
    const last = new Map(committed.map((one) => [one.key, one]));
    for (const one of committed) {
      const mayBeGone = one.offset < this.#tried && (last.get(one.key) !== one || one.value === null);
      if (!mayBeGone) expect(found.has(one.offset), `${one.key} at ${one.offset}`).toBe(true);
    }
    this.#checkProducers();
  }

  /**
   * Checks what the log knows of each producer: its next sequence number, and its epoch, by which older incarnations stay
   * fenced.
   */
  #checkProducers(): void {
    const known = new Map(this.#log.producers().map((one) => [one.producerId, one]));
    for (const producer of this.#producers) {
      const entry = known.get(producer.id);
      if (entry === undefined) {
        expect([producer.epoch, producer.hasWritten]).toEqual([0, false]);
        continue;
      }
      expect([producer.id, entry.producerEpoch]).toEqual([producer.id, producer.epoch]);
      expect(entry.currentTxnFirstOffset).toBe(producer.transaction?.firstOffset ?? null);
      const expected = producer.hasWritten && !producer.isCoordinator ? producer.sequence - 1 : -1;
      expect([producer.id, entry.batches.at(-1)?.lastSequence ?? -1]).toEqual([producer.id, expected]);
    }
  }

  /**
   * Runs three compaction passes: the first removes records, the second sets the delete horizon of markers whose records are
   * gone, the third removes these markers.
   */
  async #threePasses(): Promise<void> {
    for (let pass = 0; pass < 3; pass++) {
      await this.write(null, ['k0']);
      await this.#log.roll();
      this.#committed();
      await this.clean();
      this.#bench.clock.nowMs += retentionMs;
    }
  }

  /**
   * Ends all transactions and compacts: markers that are still needed stay. Then overwrites all keys and compacts again: no
   * marker is left without a need.
   */
  async finish(): Promise<void> {
    for (const producer of this.#producers) if (producer.transaction !== null) await this.end(producer);
    await this.#threePasses();
    await this.reopen(false);
    await this.write(null, keys);
    await this.#threePasses();
    await this.#checkMarkers();
    await this.reopen(false);
  }

  async #checkMarkers(): Promise<void> {
    const withBatches = new Set<number>();
    for (const header of await headers(this.#log)) {
      if (!header.isControl) {
        if (header.isTransactional) withBatches.add(header.producerId);
      } else if (!withBatches.delete(header.producerId)) {
        // This emptied batch remains without records of its transaction only because it holds the producer's newest epoch, in
        // which the producer has written nothing yet.
        const producer = this.#producers.find(({ id }) => id === header.producerId);
        expect(producer).toMatchObject({ epoch: header.producerEpoch, hasWritten: false });
        expect(header.recordsCount).toBe(0);
      }
    }
    const aborted = await this.#log.abortedTransactions(0, this.#log.logEndOffset);
    const markers = new Set(
      (await headers(this.#log)).filter((one) => one.isControl).map((one) => one.baseOffset),
    );
    for (const { lastOffset } of aborted) expect(markers.has(lastOffset)).toBe(true);
  }
}

async function headers(log: PartitionLog): Promise<BatchHeader[]> {
  const all: BatchHeader[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const { records, nextOffset } = await log.read(offset, 1 << 20, log.logEndOffset, true);
    if (records.length === 0) break;
    all.push(...batches(records).headers);
    offset = nextOffset;
  }
  return all;
}

/** What a read_committed consumer sees when it fetches in random sizes. */
async function visible(
  log: PartitionLog,
  random: SeededRandom,
): Promise<{ offset: number; key: string; value: string | null }[]> {
  const found: { offset: number; key: string; value: string | null }[] = [];
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : decoder.decode(bytes));
  for (let offset = log.logStartOffset; offset < log.lastStableOffset; ) {
    const bytesMax = 100 + (random.u32() % 2_000);
    const { records, nextOffset } = await log.read(offset, bytesMax, log.lastStableOffset, true);
    if (records.length === 0) break;
    const filter = new AbortedTransactions(await log.abortedTransactions(offset, nextOffset));
    for (const header of batches(records).headers) {
      if (filter.skips(header)) continue;
      for (const record of decodeRecords(header)) {
        if (record.offset < offset) continue;
        found.push({
          offset: record.offset,
          key: defined(text(record.key)),
          value: text(record.value),
        });
      }
    }
    offset = nextOffset;
  }
  return found;
}

test('random histories: readers of committed records see the last value of each key, and no marker is kept without need', async () => {
  const seed = process.env['SEED'];
  const run = async (one: number): Promise<void> => {
    const world = new Run(one);
    await world.start();
    for (let i = 0; i < 120; i++) await world.step();
    await world.check();
    await world.finish();
  };
  if (seed !== undefined) return run(Number(seed));
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), run), {
    numRuns: Number(process.env['RUNS'] ?? 20),
    endOnFailure: true,
  });
});
