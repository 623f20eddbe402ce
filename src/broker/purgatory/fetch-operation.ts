/**
 * One fetch: decides by byte counts when to respond, reads its partitions in order within the limits, and completes once. It is
 * synchronous throughout when the data is in memory.
 *
 * When a fetch completes (the rules of Kafka's DelayedFetch; `fetch-rules.test.ts` is the table):
 * - `minBytes` are readable. A partition counts with its readable bytes, at most with its own limit.
 * - A partition failed or diverged, or the client should read from another replica: at once.
 * - A partition is read in an older segment than the active one: at once, because one read never spans two segments.
 * - The wait is over, nothing is requested, or too many fetches are pending: with the available records.
 *
 * How it reads:
 * - A pending fetch holds counts and no records: it reads when it completes. Only records that are not in memory are read for
 *   counting.
 * - The first batch is returned whole even if it exceeds the limits; after it no partition exceeds what is left.
 * - Reads from disk run concurrently as long as their limits fit into what is left of `maxBytes`.
 * - Record bytes are taken from the shared budget before they are read and released when the response was sent (`release`). When
 *   the budget is short, partitions are returned empty and come first next time.
 * - It knows neither sessions nor the wire format.
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
  /** The replica now; throws `KafkaError` when this broker has none to read from. */
  readonly replica: () => PartitionReplica;
  /** The replica from which the client should read instead (KIP-392); -1: this one. */
  readonly preferredReplica: () => number;
}

/** The result of one partition. */
export interface FetchOutcome {
  data: FetchPartitionData | null;
  error: KafkaError | null;
  /** The replica from which the client should read; -1: this one. */
  preferredReadReplica: number;
}

export interface FetchLimits {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
  readonly isolation: Isolation;
  /** Any replica may serve the read, not only the leader. */
  readonly allowFollower: boolean;
}

export interface FetchDependencies {
  readonly purgatory: Purgatory;
  readonly budget: MemoryBudget;
}

/** The known readable bytes of one partition. */
interface Count {
  /** Bytes from the fetch offset to `upTo`, which were read from disk because memory did not hold them. */
  diskBytes: number;
  /** From this offset on the in-memory batches are counted. */
  upTo: number;
  /** The partition's part of `minBytes`. */
  bytes: number;
  /** The limit of the last read in `outcomes`. */
  limitBytes: number;
  minOneBatch: boolean;
}

/** The first read may take at least this much, however short the budget is. */
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
  /** Bytes taken from the budget: `#bytes`, and the limits of reads in progress. */
  #held = 0;
  #underWay = 0;
  /** Complete at once, whatever `minBytes` says. */
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

  /** Null when it completed at once, else a promise for the completion. */
  run(): Promise<void> | null {
    let mustRead = this.#limits.maxWaitMs <= 0;
    for (let i = 0; i < this.#targets.length; i++) if (this.#count(i) !== 'counted') mustRead = true;
    if (!mustRead && !this.#enough()) return this.#park();
    const reading = this.#readFrom(0);
    if (reading === null) return this.#afterFirstRead();
    return reading.then(() => this.#afterFirstRead() ?? undefined);
  }

  /** The client's connection has closed. The promise of `run` never settles. */
  cancel(): void {
    this.#isCancelled = true;
    this.#operation?.cancel();
    this.release();
  }

  /** Releases the memory after the response was sent. Idempotent. */
  release(): void {
    this.#dependencies.budget.release(this.#held);
    this.#held = 0;
  }

  // --- completion

  /**
   * Counts one partition. `unknown`: its bytes are not in memory. `above`: more than the partition's limit, so a first batch larger
   * than the limit may count with more.
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
      // The read that follows reports the error.
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

  /** Counts the result of a read of partition `index`. */
  #countRead(index: number, data: FetchPartitionData): void {
    const target = this.#targets[index] as FetchTarget;
    const count = this.#counts[index] as Count;
    const { limitBytes, minOneBatch } = count;
    const { length } = data.records;
    const end = this.#mayRead(data);
    count.diskBytes = length;
    count.upTo = Math.max(target.offset, end);
    const last = batches(data.records).headers.at(-1);
    // Empty although not even one whole batch was requested: the next batch may be larger than the limit.
    const isHeldBack = last === undefined ? !minOneBatch && target.offset < end : last.lastOffset + 1 < end;
    this.#setCount(count, isHeldBack ? Math.max(length, limitBytes) : length);
  }

  #enough(): boolean {
    return this.#urgent || this.#readableBytes >= this.#limits.minBytes || this.#targets.length === 0;
  }

  /** Records that were read from disk for counting are the response if they suffice. */
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

  /** Null when the fetch completed at once because too many are pending. */
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

  /** Batches that the pending fetch has not counted are no longer in memory. */
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

  /** The keys of all replicas; the key of a replica that is gone changes at once. */
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

  /** Reads the targets from `index` on; null when all of it was in memory. */
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

  /** A batch larger than the limits, in a partition after empty ones, must be returned as well. */
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

  /** The limit of a read. The first batch is returned whole whatever this is, but the limit is never 0 for it. */
  #allowance(index: number, minOneBatch: boolean): number {
    // The result of a repeated read replaces the earlier one.
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
      // No records are read then; the offsets tell the client where this log is.
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

  /** Removes the result of an earlier read, to make room for the new one. */
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
