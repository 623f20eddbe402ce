/**
 * One fetch. It decides by byte counts when to respond, reads its partitions in order within the limits, and completes once. It
 * is synchronous if it need not wait and all data is in memory.
 *
 * When a fetch completes (the rules of Kafka's DelayedFetch; `fetch-rules.test.ts` has them as a table):
 * - When `minBytes` can be read. Each partition counts with its readable bytes, but at most with its own limit.
 * - At once if a partition has an error or a diverging epoch, or if the client should read from another replica.
 * - At once if a partition is read from an older segment than the active one, because one read never extends over two segments.
 * - With the records that are available: when the time is over, when the request has no partitions, or when too many fetches
 *   are pending.
 *
 * How it reads:
 * - A pending fetch holds byte counts and no records; it reads when it completes. Before that, only records that are not in
 *   memory are read, to count their bytes.
 * - The first batch is returned as a whole even if it exceeds the limits. After it, no partition gets more than what is left.
 * - Reads from disk run concurrently, as long as their limits fit into what is left of `maxBytes`.
 * - Record bytes are taken from a budget that all fetches share before they are read, and released after the response was sent
 *   (`release`). If the budget has no room, partitions are returned empty; in a session they come first the next time.
 * - This file knows neither sessions nor the wire format.
 */
import { mark } from '../../base/mark.ts';
import type { Watchable } from '../../base/watch-list.ts';
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
  /** Returns the replica on this broker. Throws `KafkaError` if this broker has none that may be read. */
  readonly replica: () => PartitionReplica;
  /** The replica from which the client should read instead (KIP-392); -1: this broker's. */
  readonly preferredReplica: () => number;
}

/** The result of one partition. */
export interface FetchOutcome {
  data: FetchPartitionData | null;
  error: KafkaError | null;
  /** The replica from which the client should read next (KIP-392); -1: this broker's. */
  preferredReadReplica: number;
}

export interface FetchLimits {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
  readonly isolation: Isolation;
  /** Whether a follower may serve the read, too. */
  readonly allowFollower: boolean;
}

export interface FetchDependencies {
  readonly purgatory: Purgatory;
  readonly budget: MemoryBudget;
  /** Called when the fetch continues after a wait for bytes or for the disk. */
  readonly onResumed: () => void;
}

/** How many bytes of one partition are known to be readable. */
interface Count {
  /** Bytes from the fetch offset to `upTo`, which were read from disk to count them, because they were not in memory. */
  diskBytes: number;
  /** The bytes from this offset on are counted from the batches in memory. */
  upTo: number;
  /** What the partition counts for `minBytes`. */
  bytes: number;
  /** The limit of the last read of the partition, and whether it had to return the first batch as a whole. */
  limitBytes: number;
  minOneBatch: boolean;
}

/** The first read may take at least this many bytes, even if the budget has fewer. */
const firstReadBytesMin = 65_536;

export class FetchOperation {
  readonly outcomes: FetchOutcome[];
  readonly #targets: readonly FetchTarget[];
  readonly #limits: FetchLimits;
  readonly #dependencies: FetchDependencies;
  readonly #counts: Count[];
  /** The sum of `#counts`. */
  #readableBytes = 0;
  /** Record bytes in `outcomes`. */
  #bytes = 0;
  /**
   * Bytes taken from the budget: `#bytes`, and the limits of reads from disk that are in progress (apart from `#countOnDisk`).
   */
  #held = 0;
  #underWay = 0;
  /** Whether the fetch completes at once, whatever `minBytes` says. */
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

  /** Runs the fetch. Returns null if it has completed at once, otherwise a promise of its completion. */
  run(): Promise<void> | null {
    let mustRead = this.#limits.maxWaitMs <= 0;
    for (let i = 0; i < this.#targets.length; i++) if (this.#count(i) !== 'counted') mustRead = true;
    if (!mustRead && !this.#enough()) return this.#wait();
    const reading = this.#readFrom(0);
    if (reading === null) return this.#afterFirstRead();
    return reading.then(() => this.#afterFirstRead() ?? undefined);
  }

  /** The client's connection has closed. The promise of `run` then never settles if the fetch was waiting for bytes. */
  cancel(): void {
    this.#isCancelled = true;
    this.#operation?.cancel();
    this.release();
  }

  /** Releases the memory after the response was sent. It may be called more than once. */
  release(): void {
    this.#dependencies.budget.release(this.#held);
    this.#held = 0;
  }

  // --- completion

  /**
   * Counts the readable bytes of one partition. `unknown`: they are not in memory. `above`: they exceed the limit of the
   * partition; then a read can return more than was counted, because a first batch larger than the limit is returned as a
   * whole.
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
      // The read that follows gets the same error and reports it.
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

  /** Counts the result of a read of one partition. */
  #countRead(index: number, data: FetchPartitionData): void {
    const target = this.#targets[index] as FetchTarget;
    const count = this.#counts[index] as Count;
    const { limitBytes, minOneBatch } = count;
    const { length } = data.records;
    const end = this.#mayRead(data);
    count.diskBytes = length;
    count.upTo = Math.max(target.offset, end);
    const last = batches(data.records).headers.at(-1);
    // Whether there are further batches, which the limit has kept out of the result. If the result is empty, this is known only
    // of a read that was not allowed to exceed its limit for the first batch.
    const isHeldBack = last === undefined ? !minOneBatch && target.offset < end : last.lastOffset + 1 < end;
    this.#setCount(count, isHeldBack ? Math.max(length, limitBytes) : length);
  }

  #enough(): boolean {
    return this.#urgent || this.#readableBytes >= this.#limits.minBytes || this.#targets.length === 0;
  }

  /**
   * The records of the first read are the response if they are enough, or if the fetch may not wait. Otherwise they are counted
   * and dropped, and the fetch waits.
   */
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
    return this.#wait();
  }

  /** Waits for more bytes. Returns null if the fetch has completed at once, because too many are pending. */
  #wait(): Promise<void> | null {
    if (this.#limits.minBytes > 1) mark('broker.fetch-waits-for-bytes');
    let done = false;
    let resolve: (() => void) | null = null;
    this.#operation = new DelayedOperation({
      purgatory: this.#dependencies.purgatory,
      timeoutMs: this.#limits.maxWaitMs,
      tryComplete: (changed) => this.#tryComplete(changed),
      onComplete: () => {
        this.#dependencies.onResumed();
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
    this.#dependencies.onResumed();
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

  /** Counts a partition by reading it from disk, because batches that are not counted yet are no longer in memory. */
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

  /** The replicas to watch. A replica that is gone has nothing to watch, and the fetch completes at once. */
  #keys(): Watchable[] {
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

  /** Reads the partitions from `index` on. Returns null if all of them were in memory. */
  #readFrom(index: number): Promise<void> | null {
    const pending: Promise<void>[] = [];
    for (let i = index; i < this.#targets.length && !this.#isCancelled; i++) {
      if (pending.length > 0 && this.#allowance(i, false) < (this.#targets[i] as FetchTarget).maxBytes) {
        return Promise.all(pending).then(() => this.#readFrom(i) ?? undefined);
      }
      const reading = this.#read(i, this.#bytes === 0 && pending.length === 0);
      if (reading !== null) pending.push(reading);
    }
    if (pending.length > 0) return Promise.all(pending).then(() => this.#readOversized() ?? undefined);
    return this.#readOversized();
  }

  /** If all partitions before it were empty, a batch that is larger than the limits must be returned from a later partition. */
  #readOversized(): Promise<void> | null {
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

  /** How many bytes a read may return. For a read that must return the first batch as a whole it is at least 1. */
  #allowance(index: number, minOneBatch: boolean): number {
    // If the partition was read before, the new result replaces the old one, whose bytes are free again.
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
      // If the client should read elsewhere, no records are read; the offsets in the response tell the client where this log
      // ends.
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
        this.#dependencies.onResumed();
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

  /** Removes the result of an earlier read of the partition, and releases its bytes. */
  #drop(index: number): FetchOutcome {
    const outcome = this.outcomes[index] as FetchOutcome;
    const bytes = outcome.data?.records.length ?? 0;
    this.#bytes -= bytes;
    this.#hold(-bytes);
    outcome.error = null;
    return outcome;
  }
}

const neverChanges: Watchable = { watch: () => () => {} };
