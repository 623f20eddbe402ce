/**
 * Seeded random runs of three brokers with crashes, pauses, network cuts, leadership moves and a controller that is unreachable
 * at times. After every event, the test checks that log start <= high watermark <= log end, and that no record below a high
 * watermark ever changes. At the end, it checks that the replicas are equal and that every acknowledged record is at the offset
 * that was acknowledged.
 */
import { expect, test } from 'vitest';
import { batches, type BatchHeader } from '../../src/protocol/records/batch.ts';
import type { Partition } from '../../src/replication/partition.ts';
import { inMacrotask } from '../../src/simulation/macrotask.ts';
import type { SeededRandom } from '../../src/simulation/random.ts';
import { Cluster, topicId, uniqueBatch } from './cluster.ts';
import type { StoredBatch, StoredLog } from './memory-log.ts';

const partitions = 2;
const steps = 60;

class Run {
  readonly cluster: Cluster;
  readonly random: SeededRandom;
  readonly acked: { index: number; offset: number; id: number }[] = [];
  readonly #committed: (number | undefined)[][] = [[], []];
  readonly #checked = new Map<Partition, number>();

  readonly #hasRealLogs: boolean;

  constructor(seed: number, hasRealLogs: boolean) {
    this.#hasRealLogs = hasRealLogs;
    this.cluster = new Cluster({ seed, partitions, metadataDelayMs: 10, hasRealLogs });
    this.random = this.cluster.world.random.fork('chaos');
    this.cluster.world.afterEvent = (): void => this.check();
  }

  stored(id: number, index: number): StoredLog {
    const log = this.cluster.broker(id).disk.logs.get(`${topicId}:${index}`);
    if (log === undefined) throw new Error(`broker ${id} has no log`);
    return log;
  }

  check(): void {
    for (const broker of this.cluster.brokers)
      for (const partition of broker.manager?.partitions() ?? []) this.#checkPartition(broker.id, partition);
  }

  #checkPartition(id: number, partition: Partition): void {
    const { logStartOffset, highWatermark, logEndOffset } = partition;
    if (!(logStartOffset <= highWatermark && highWatermark <= logEndOffset))
      throw new Error(`b${id} ${partition.name}: ${logStartOffset} <= ${highWatermark} <= ${logEndOffset}`);
    const from = this.#checked.get(partition) ?? 0;
    this.#checked.set(partition, highWatermark);
    if (highWatermark <= from || this.#hasRealLogs) return;
    const committed = this.#committed[partition.index] as (number | undefined)[];
    for (const batch of batchesIn(this.stored(id, partition.index), from, highWatermark)) {
      const { baseOffset, baseTimestamp } = batch.header;
      const known = committed[baseOffset];
      if (known !== undefined && known !== baseTimestamp)
        throw new Error(`b${id} ${partition.name}: offset ${baseOffset} was ${known}, is ${baseTimestamp}`);
      committed[baseOffset] = baseTimestamp;
    }
  }

  produce(): void {
    const index = this.random.u32() % partitions;
    const broker = this.cluster.broker(1 + (this.random.u32() % 3));
    const partition = broker.manager?.partition(topicId, index);
    if (partition?.isLeader !== true || broker.host.isPaused) return;
    const { id, bytes } = uniqueBatch(1 + (this.random.u32() % 3));
    try {
      const acks = this.random.u32() % 4 === 0 ? 1 : -1;
      const { info, acknowledged } = partition.appendAsLeader(bytes, acks, {
        origin: 'client',
        requestVersion: 11,
      });
      acknowledged.then(
        () => {
          if (acks === -1) this.acked.push({ index, offset: info.firstOffset, id });
        },
        () => undefined,
      );
    } catch {
      // The partition refused the records before it appended anything.
    }
  }

  fault(): void {
    const { cluster, random } = this;
    const id = 1 + (random.u32() % 3);
    const other = 1 + (random.u32() % 3);
    switch (random.u32() % 10) {
      case 0:
      case 1:
        if (cluster.broker(id).life === null) cluster.start(id);
        else cluster.crash(id, random.u32() % 3 === 0 ? 300 : 1);
        return;
      case 2:
        cluster.broker(id).host.pause();
        return;
      case 3:
        for (const broker of cluster.brokers) broker.host.resume();
        return;
      case 4:
        if (id !== other) cluster.network.partitions.cut(`b${id}`, `b${other}`);
        return;
      case 5:
        cluster.network.partitions.heal();
        return;
      case 6:
        cluster.network.resetSome();
        return;
      case 7:
        cluster.moveLeader(id, random.u32() % partitions);
        return;
      case 8:
        if (cluster.broker(id).life === null) return;
        if (random.u32() % 2 === 0) cluster.fence(id);
        else cluster.unfence(id);
        return;
      default:
        cluster.controllerIsDown = !cluster.controllerIsDown;
    }
  }

  heal(): void {
    const { cluster } = this;
    cluster.network.partitions.heal();
    cluster.controllerIsDown = false;
    for (const broker of cluster.brokers) {
      broker.host.resume();
      if (broker.life === null) cluster.start(broker.id);
      else cluster.unfence(broker.id);
    }
    for (let index = 0; index < partitions; index++) {
      cluster.runUntil(() => {
        const leader = cluster.leader(index);
        return (
          leader !== null &&
          cluster.metadata(index).isr.length === 3 &&
          leader.highWatermark === leader.logEndOffset &&
          [1, 2, 3].every((id) => {
            const replica = cluster.replica(id, index);
            return (
              replica?.highWatermark === leader.highWatermark && replica.logEndOffset === leader.logEndOffset
            );
          })
        );
      });
    }
  }

  dump(): void {
    const { cluster } = this;
    for (let index = 0; index < partitions; index++) {
      console.log(cluster.metadata(index));
      for (const { id, epoch, host } of cluster.brokers) {
        const replica = cluster.replica(id, index);
        const { highWatermark, logEndOffset, leaderId, leaderEpoch, isLeader, isQuiescent } = replica ?? {};
        const isr = replica?.leaderState?.isr;
        console.log({
          id,
          epoch,
          isPaused: host.isPaused,
          highWatermark,
          logEndOffset,
          leaderId,
          leaderEpoch,
          isLeader,
          isQuiescent,
        });
        if (isr !== undefined)
          console.log(isr.committed, isr.partitionEpoch, isr.pending, replica?.leaderState?.followers);
      }
    }
  }

  async finish(): Promise<void> {
    for (let index = 0; index < partitions; index++) {
      const [first, ...others] = await Promise.all([1, 2, 3].map((id) => this.#content(id, index)));
      for (const other of others) expect(other?.map(identity)).toEqual(first?.map(identity));
      for (const { offset, id } of this.acked.filter((one) => one.index === index)) {
        const batch = first?.find((header) => header.baseOffset === offset);
        if (batch?.baseTimestamp !== id)
          throw new Error(`acknowledged record ${id} at ${index}/${offset} is lost`);
      }
    }
  }

  async #content(id: number, index: number): Promise<BatchHeader[]> {
    if (!this.#hasRealLogs) return this.stored(id, index).batches.map((batch) => batch.header);
    const { files } = this.cluster.broker(id);
    const name = `/data/t-${index}/00000000000000000000.log`;
    // A log that never received a record has no file.
    if ((await files.stat(name)) === null) return [];
    return [...batches(await files.readFile(name)).headers];
  }
}

function identity(header: BatchHeader): string {
  return `${header.baseOffset} ${header.baseTimestamp} ${header.partitionLeaderEpoch}`;
}

function* batchesIn(log: StoredLog, from: number, to: number): Iterable<StoredBatch> {
  for (let at = log.batches.length - 1; at >= 0; at--) {
    const batch = log.batches[at] as StoredBatch;
    if (batch.header.lastOffset < from) return;
    if (batch.header.lastOffset < to) yield batch;
  }
}

function simulate(seed: number, hasRealLogs: boolean): Run {
  const run = new Run(seed, hasRealLogs);
  try {
    for (let step = 0; step < steps; step++) {
      for (let i = run.random.u32() % 6; i > 0; i--) {
        run.produce();
        run.cluster.runFor(run.random.exponential(3));
      }
      run.cluster.runFor(run.random.exponential(run.random.u32() % 5 === 0 ? 1500 : 40));
      run.fault();
    }
    run.heal();
  } catch (error) {
    if (process.env['BENDEMANN_DUMP'] !== undefined) run.dump();
    throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
  }
  return run;
}

async function check(seed: number, hasRealLogs: boolean): Promise<number> {
  const run = await inMacrotask(() => simulate(seed, hasRealLogs));
  try {
    await run.finish();
  } catch (error) {
    throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
  }
  return run.acked.length;
}

const seeds = Number(process.env['BENDEMANN_SEEDS'] ?? 60);
const firstSeed = Number(process.env['BENDEMANN_SEED'] ?? 1);

test.each([
  ['in memory', false, seeds],
  ['on a simulated disk', true, Math.ceil(seeds / 3)],
])(
  'no acknowledged record is lost, logs %s',
  async (_name, hasRealLogs, count) => {
    console.log(`seeds ${firstSeed} to ${firstSeed + count - 1}`);
    let acked = 0;
    for (let seed = firstSeed; seed < firstSeed + count; seed++) acked += await check(seed, hasRealLogs);
    expect(acked).toBeGreaterThan(count * 5);
  },
  600_000,
);
