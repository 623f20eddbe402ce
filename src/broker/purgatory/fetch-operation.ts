/**
 * One fetch: decides by counts when to answer, reads its partitions in order within the limits, and completes once. Synchronous from
 * end to end when the data is in memory.
 *
 * When a fetch answers (the rules of Kafka's DelayedFetch; `fetch-rules.test.ts` is the table):
 * - `minBytes` are readable. A partition counts with what it has, at most with its own limit: bytes that a limit holds back are there.
 * - A partition failed or diverged, or the client should read elsewhere: at once.
 * - A partition is read in an older segment than its newest records: at once, because one read never spans two segments.
 * - The wait is over, nothing is asked for, or too many fetches are pending: with what there is.
 *
 * How it reads:
 * - A pending fetch holds counts, no records: it reads when it answers. Only what is on disk alone is read in order to be counted.
 * - The first batch is returned whole even if it exceeds the limits; after it no partition exceeds what is left.
 * - Reads from disk run side by side as long as their limits fit into what is left of `maxBytes`.
 * - Record bytes are counted in the shared budget from before they are read until the response went out (`release`); when
 *   the budget is short, partitions come back empty and are first next time.
 * - Doesn't know sessions or the wire.
 */
import { mark } from '../../base/mark.ts';
import type { WatchKey } from '../../base/watch-list.ts';
import { batches } from '../../protocol/records/batch.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { FetchPartitionData, FetchPosition, Isolation } from '../../replication/types.ts';
import type { MemoryBudget } from '../pipeline/memory-budget.ts';
import type { PartitionReplica } from '../services.ts';
import { DelayedOperation, type Purgatory } from './delayed-operation.ts';

export interface FetchTarget {
  readonly offset: number;
  readonly maxBytes: number;
  readonly currentLeaderEpoch: number;
  readonly lastFetchedEpoch: number;
  /** The replica now; throws `KafkaError` when there is none to read from. */
  readonly replica: () => PartitionReplica;
  /** The replica that the client should ask instead (KIP-392); -1: this one. */
  readonly preferredReplica: () => number;
}

/** What one partition has for the response. */
export interface FetchOutcome {
  data: FetchPartitionData | null;
  error: KafkaError | null;
  /** Where the client should read; -1: here. */
  preferredReadReplica: number;
}

export interface FetchLimits {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
  readonly isolation: Isolation;
  /** Any replica may answer, not only the leader. */
  readonly allowFollower: boolean;
}

export interface FetchDependencies {
  readonly purgatory: Purgatory;
  readonly budget: MemoryBudget;
}

/** What is known to be readable of one partition. */
interface Count {
  /** From the fetch offset to `upTo`. Read from disk, because memory did not hold it. */
  diskBytes: number;
  /** Offset from which on memory is asked. */
  upTo: number;
  /** What the partition counts for `minBytes`. */
  bytes: number;
  /** What the last read of `outcomes` was allowed. */
  limitBytes: number;
  minOneBatch: boolean;
}

/** However short the budget, the first read is given this much. */
const firstReadBytesMin = 65_536;

export class FetchOperation {
  readonly outcomes: FetchOutcome[];
  readonly #targets: readonly FetchTarget[];
  readonly #limits: FetchLimits;
  readonly #dependencies: FetchDependencies;
  readonly #counts: Count[];
  /** Sum of `#counts`. */
  #readableBytes = 0;
  /** Record bytes in `outcomes`. */
  #bytes = 0;
  /** Of the budget: `#bytes` plus what reads under way may bring. */
  #held = 0;
  #underWay = 0;
  /** Answer at once, whatever `minBytes` says. */
  #urgent = false;
  #isCancelled = false;
  #operation: DelayedOperation | null = null;

  constructor(targets: readonly FetchTarget[], limits: FetchLimits, dependencies: FetchDependencies) {
    this.#targets = targets;
    this.#limits = limits;
    this.#dependencies = dependencies;
    this.#counts = targets.map(({ offset }) => ({
      diskBytes: 0,
      upTo: offset,
      bytes: 0,
      limitBytes: 0,
      minOneBatch: false,
    }));
    this.outcomes = targets.map(() => ({ data: null, error: null, preferredReadReplica: -1 }));
  }

  /** Null when it completed at once, else fulfilled on completion. */
  run(): Promise<void> | null {
    let mustRead = this.#limits.maxWaitMs <= 0;
    for (let i = 0; i < this.#targets.length; i++) if (this.#count(i) !== 'counted') mustRead = true;
    if (!mustRead && !this.#enough()) return this.#park();
    const reading = this.#readFrom(0);
    if (reading === null) return this.#afterFirstRead();
    return reading.then(() => this.#afterFirstRead() ?? undefined);
  }

  /** The client has gone. The promise of `run` never settles. */
  cancel(): void {
    this.#isCancelled = true;
    this.#operation?.cancel();
    this.release();
  }

  /** Gives the memory back: once the response was sent. Idempotent. */
  release(): void {
    this.#dependencies.budget.release(this.#held);
    this.#held = 0;
  }

  // --- deciding

  /**
   * Counts one partition. `unknown`: only the disk can tell. `above`: more than the partition's limit, so that a first batch larger
   * than the limit may count with more than that.
   */
  #count(index: number): 'counted' | 'above' | 'unknown' {
    const target = this.#targets[index] as FetchTarget;
    const count = this.#counts[index] as Count;
    try {
      const replica = target.replica();
      if (this.#operation === null && target.preferredReplica() >= 0) this.#urgent = true;
      let bytes = replica.readableBytes(this.#position(target, target.offset));
      if (bytes === null && count.upTo > target.offset) {
        bytes = replica.readableBytes(this.#position(target, count.upTo));
        if (bytes !== null) bytes += count.diskBytes;
      }
      if (bytes === null) return 'unknown';
      if (bytes === Number.POSITIVE_INFINITY) this.#urgent = true;
      else this.#setCount(count, Math.min(bytes, target.maxBytes));
      return bytes > target.maxBytes ? 'above' : 'counted';
    } catch {
      // The read that follows says what is wrong.
      this.#urgent = true;
      return 'counted';
    }
  }

  #position(target: FetchTarget, offset: number): FetchPosition {
    return {
      offset,
      isolation: this.#limits.isolation,
      currentLeaderEpoch: target.currentLeaderEpoch,
      lastFetchedEpoch: offset === target.offset ? target.lastFetchedEpoch : -1,
      allowFollower: this.#limits.allowFollower,
    };
  }

  #setCount(count: Count, bytes: number): void {
    this.#readableBytes += bytes - count.bytes;
    count.bytes = bytes;
  }

  /** Counts what a read of partition `index` brought. */
  #countRead(index: number, data: FetchPartitionData): void {
    const target = this.#targets[index] as FetchTarget;
    const count = this.#counts[index] as Count;
    const { limitBytes, minOneBatch } = count;
    const { length } = data.records;
    const end = this.#mayRead(data);
    count.diskBytes = length;
    count.upTo = Math.max(target.offset, end);
    const last = batches(data.records).headers.at(-1);
    // Empty, and not even one batch was asked for whole: the next batch may be larger than the limit.
    const isHeldBack = last === undefined ? !minOneBatch && target.offset < end : last.lastOffset + 1 < end;
    this.#setCount(count, isHeldBack ? Math.max(length, limitBytes) : length);
  }

  #enough(): boolean {
    return this.#urgent || this.#readableBytes >= this.#limits.minBytes || this.#targets.length === 0;
  }

  /** What lies on disk only was read in order to be counted: it is the answer if it suffices. */
  #afterFirstRead(): Promise<void> | null {
    const { purgatory } = this.#dependencies;
    if (this.#isCancelled || this.#enough() || this.#bytes >= this.#limits.minBytes) return null;
    for (let i = 0; i < this.outcomes.length; i++) {
      const { data } = this.outcomes[i] as FetchOutcome;
      if (data !== null) this.#countRead(i, data);
    }
    if (this.#enough() || this.#limits.maxWaitMs <= 0 || purgatory.pending >= purgatory.pendingMax)
      return null;
    for (let i = 0; i < this.outcomes.length; i++) this.#drop(i).data = null;
    return this.#park();
  }

  /** Null when the fetch was answered at once because too many are pending. */
  #park(): Promise<void> | null {
    if (this.#limits.minBytes > 1) mark('broker.fetch-waits-for-bytes');
    let done = false;
    let resolve: (() => void) | null = null;
    this.#operation = new DelayedOperation({
      purgatory: this.#dependencies.purgatory,
      timeoutMs: this.#limits.maxWaitMs,
      tryComplete: (changed) => this.#tryComplete(changed),
      onComplete: () => {
        const finish = (): void => {
          done = true;
          resolve?.();
        };
        const reading = this.#readFrom(0);
        if (reading === null) finish();
        else void reading.then(finish);
      },
    });
    this.#operation.start(this.#keys());
    if (done) return null;
    return new Promise((fulfil) => {
      if (done) fulfil();
      resolve = fulfil;
    });
  }

  #tryComplete(changed: ReadonlySet<number> | null): boolean {
    if (changed === null) {
      for (let i = 0; i < this.#targets.length; i++) this.#recount(i);
    } else {
      for (const index of changed) this.#recount(index);
    }
    return this.#enough();
  }

  #recount(index: number): void {
    if (this.#count(index) === 'unknown') this.#countOnDisk(index);
  }

  /** The memory has lost what a pending fetch did not count yet. */
  #countOnDisk(index: number): void {
    const { budget } = this.#dependencies;
    const target = this.#targets[index] as FetchTarget;
    const maxBytes = Math.max(1, Math.min(target.maxBytes, budget.availableBytes));
    budget.take(maxBytes);
    const count = this.#counts[index] as Count;
    count.limitBytes = target.maxBytes;
    count.minOneBatch = true;
    const options = { ...this.#position(target, target.offset), maxBytes, minOneBatch: true };
    const read = async (): Promise<FetchPartitionData> => target.replica().fetch(options);
    read()
      .then(
        (data) => this.#countRead(index, data),
        () => {
          this.#urgent = true;
        },
      )
      .finally(() => {
        budget.release(maxBytes);
        if (this.#enough()) this.#operation?.checkNow();
      });
  }

  /** The replicas; one that is gone changes at once. */
  #keys(): WatchKey[] {
    return this.#targets.map((target) => {
      try {
        return target.replica();
      } catch {
        this.#urgent = true;
        return neverChanges;
      }
    });
  }

  // --- reading

  /** Reads the targets from `index` on; null when all was in memory. */
  #readFrom(index: number): Promise<void> | null {
    const pending: Promise<void>[] = [];
    for (let i = index; i < this.#targets.length && !this.#isCancelled; i++) {
      if (pending.length > 0 && this.#allowance(i, false) < (this.#targets[i] as FetchTarget).maxBytes) {
        return Promise.all(pending).then(() => this.#readFrom(i) ?? undefined);
      }
      const reading = this.#read(i, this.#bytes === 0 && pending.length === 0);
      if (reading !== null) pending.push(reading);
    }
    if (pending.length > 0) return Promise.all(pending).then(() => this.#insist() ?? undefined);
    return this.#insist();
  }

  /** A batch larger than the limits, behind partitions that turned out empty, must come through all the same. */
  #insist(): Promise<void> | null {
    if (this.#bytes > 0 || this.#isCancelled) return null;
    const index = this.outcomes.findIndex(({ data }, i) => {
      return (
        data !== null &&
        data.records.length === 0 &&
        this.#mayRead(data) > (this.#targets[i] as FetchTarget).offset
      );
    });
    return index < 0 ? null : this.#read(index, true);
  }

  #mayRead(data: FetchPartitionData): number {
    return this.#limits.isolation === 'txn_committed' ? data.lastStableOffset : data.highWatermark;
  }

  /** What a read may bring. The first batch comes whole whatever this says, but never nothing is asked for it. */
  #allowance(index: number, minOneBatch: boolean): number {
    // A read again replaces what the one before brought.
    const replaced = (this.outcomes[index] as FetchOutcome).data?.records.length ?? 0;
    const room = this.#limits.maxBytes - this.#bytes + replaced - this.#underWay;
    const asked = Math.min((this.#targets[index] as FetchTarget).maxBytes, room);
    const available = this.#dependencies.budget.availableBytes;
    const budget = minOneBatch ? Math.max(available, firstReadBytesMin) : available;
    return Math.max(minOneBatch ? 1 : 0, Math.min(asked, budget));
  }

  #read(index: number, minOneBatch: boolean): Promise<void> | null {
    const target = this.#targets[index] as FetchTarget;
    const outcome = this.outcomes[index] as FetchOutcome;
    try {
      const replica = target.replica();
      outcome.preferredReadReplica = target.preferredReplica();
      const isElsewhere = outcome.preferredReadReplica >= 0;
      if (isElsewhere) this.#urgent = true;
      // Nothing is read here then: the offsets say where this log is.
      const maxBytes = isElsewhere ? 0 : this.#allowance(index, minOneBatch);
      const data = replica.fetch({
        offset: target.offset,
        maxBytes,
        minOneBatch: minOneBatch && !isElsewhere,
        isolation: this.#limits.isolation,
        currentLeaderEpoch: target.currentLeaderEpoch,
        lastFetchedEpoch: target.lastFetchedEpoch,
        allowFollower: this.#limits.allowFollower,
      });
      if (data instanceof Promise) return this.#readLater(index, maxBytes, minOneBatch, data);
      this.#hold(data.records.length);
      this.#arrived(index, data, maxBytes, minOneBatch);
    } catch (error) {
      this.#failed(index, error);
    }
    return null;
  }

  #readLater(
    index: number,
    maxBytes: number,
    minOneBatch: boolean,
    reading: Promise<FetchPartitionData>,
  ): Promise<void> {
    this.#underWay += maxBytes;
    this.#hold(maxBytes);
    return reading.then(
      (data) => {
        this.#underWay -= maxBytes;
        if (this.#isCancelled) return;
        this.#hold(data.records.length - maxBytes);
        this.#arrived(index, data, maxBytes, minOneBatch);
      },
      (error: unknown) => {
        this.#underWay -= maxBytes;
        if (this.#isCancelled) return;
        this.#hold(-maxBytes);
        this.#failed(index, error);
      },
    );
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    this.#dependencies.budget.take(bytes);
  }

  #arrived(index: number, data: FetchPartitionData, maxBytes: number, minOneBatch: boolean): void {
    const outcome = this.#drop(index);
    outcome.data = data;
    this.#bytes += data.records.length;
    const count = this.#counts[index] as Count;
    count.limitBytes = maxBytes;
    count.minOneBatch = minOneBatch;
    if (data.divergingEpoch !== null) this.#urgent = true;
  }

  #failed(index: number, error: unknown): void {
    const outcome = this.#drop(index);
    outcome.data = null;
    outcome.error =
      error instanceof KafkaError
        ? error
        : new KafkaError(
            Errors.UNKNOWN_SERVER_ERROR,
            error instanceof Error ? (error.stack ?? error.message) : String(error),
          );
    this.#urgent = true;
  }

  /** What an earlier read brought makes room for what a new one did. */
  #drop(index: number): FetchOutcome {
    const outcome = this.outcomes[index] as FetchOutcome;
    const bytes = outcome.data?.records.length ?? 0;
    this.#bytes -= bytes;
    this.#hold(-bytes);
    outcome.error = null;
    return outcome;
  }
}

const neverChanges: WatchKey = { watch: () => () => {} };
