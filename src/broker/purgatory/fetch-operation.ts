/**
 * One fetch: reads its partitions in order within the limits, waits for more when there is too little, reads again what
 * changed, and completes once. Synchronous from end to end when the data is in memory.
 *
 * - Complete when `minBytes` are there, something failed or diverged, the wait is over, or nothing is asked for.
 * - The first batch is returned whole even if it exceeds the limits; after it no partition exceeds what is left.
 * - Reads from disk run side by side as long as their limits fit into what is left of `maxBytes`.
 * - Record bytes are counted in the shared budget from before they are read until the response went out (`release`); when
 *   the budget is short, partitions come back empty and are first next time.
 * - Doesn't know sessions or the wire.
 */
import type { Scheduler, Timer } from '../../base/clock.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { FetchPartitionData, Isolation } from '../../replication/types.ts';
import type { MemoryBudget } from '../pipeline/memory-budget.ts';
import type { PartitionReplica } from '../services.ts';

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

/** How many fetches are parked, over all connections. */
export interface ParkingLot {
  parked: number;
  readonly parkedMax: number;
}

export interface FetchDependencies {
  readonly scheduler: Scheduler;
  readonly budget: MemoryBudget;
  readonly lot: ParkingLot;
}

/** However short the budget, the first read is given this much. */
const firstReadBytesMin = 65_536;

export class FetchOperation {
  readonly outcomes: FetchOutcome[];
  readonly #targets: readonly FetchTarget[];
  readonly #limits: FetchLimits;
  readonly #dependencies: FetchDependencies;
  /** Record bytes in `outcomes`. */
  #bytes = 0;
  /** Of the budget: `#bytes` plus what reads under way may bring. */
  #held = 0;
  #underWay = 0;
  #urgent = false;
  #done = false;
  #resolve: (() => void) | null = null;
  #unwatch: (() => void)[] = [];
  #timer: Timer | null = null;
  #parked = false;
  readonly #changed = new Set<number>();
  #rereading = false;

  constructor(targets: readonly FetchTarget[], limits: FetchLimits, dependencies: FetchDependencies) {
    this.#targets = targets;
    this.#limits = limits;
    this.#dependencies = dependencies;
    this.outcomes = targets.map(() => ({ data: null, error: null, preferredReadReplica: -1 }));
  }

  /** Null when it completed at once, else fulfilled on completion. */
  run(): Promise<void> | null {
    const pending = this.#readFrom(0);
    if (pending === null) return this.#completeOrPark();
    return pending.then(() => this.#completeOrPark() ?? undefined);
  }

  /** The client is gone: nobody waits. The promise of `run` stays open. */
  cancel(): void {
    this.#finish();
    this.release();
  }

  /** Gives the memory back: once the response was sent. Idempotent. */
  release(): void {
    this.#dependencies.budget.release(this.#held);
    this.#held = 0;
  }

  // --- reading

  /** Reads the targets from `index` on; null when all was in memory. */
  #readFrom(index: number): Promise<void> | null {
    const pending: Promise<void>[] = [];
    for (let i = index; i < this.#targets.length && !this.#done; i++) {
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
    if (this.#bytes > 0 || this.#urgent || this.#done) return null;
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
    return this.#limits.isolation === 'committed' ? data.lastStableOffset : data.highWatermark;
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
      if (data instanceof Promise) return this.#readLater(index, maxBytes, data);
      this.#hold(data.records.length);
      this.#arrived(index, data);
    } catch (error) {
      this.#failed(index, error);
    }
    return null;
  }

  #readLater(index: number, maxBytes: number, reading: Promise<FetchPartitionData>): Promise<void> {
    this.#underWay += maxBytes;
    this.#hold(maxBytes);
    return reading.then(
      (data) => {
        this.#underWay -= maxBytes;
        if (this.#done) return;
        this.#hold(data.records.length - maxBytes);
        this.#arrived(index, data);
      },
      (error: unknown) => {
        this.#underWay -= maxBytes;
        if (this.#done) return;
        this.#hold(-maxBytes);
        this.#failed(index, error);
      },
    );
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    this.#dependencies.budget.take(bytes);
  }

  #arrived(index: number, data: FetchPartitionData): void {
    const outcome = this.#drop(index);
    outcome.data = data;
    this.#bytes += data.records.length;
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

  // --- waiting

  #enough(): boolean {
    return this.#done || this.#urgent || this.#bytes >= this.#limits.minBytes || this.#targets.length === 0;
  }

  #completeOrPark(): Promise<void> | null {
    const { lot, scheduler } = this.#dependencies;
    if (this.#enough() || this.#limits.maxWaitMs <= 0 || lot.parked >= lot.parkedMax) {
      this.#finish();
      return null;
    }
    this.#parked = true;
    lot.parked++;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#timer = scheduler.after(this.#limits.maxWaitMs, () => this.#finish());
      for (let i = 0; i < this.#targets.length; i++) this.#watch(i);
    });
  }

  #watch(index: number): void {
    const target = this.#targets[index] as FetchTarget;
    const { data } = this.outcomes[index] as FetchOutcome;
    try {
      const replica = target.replica();
      this.#unwatch.push(replica.watch(() => this.#onChange(index)));
      // It may have moved between the read and now.
      if (data !== null && replica.highWatermark !== data.highWatermark) this.#onChange(index);
    } catch {
      this.#onChange(index);
    }
  }

  /** Changes of one turn are looked at together. */
  #onChange(index: number): void {
    if (this.#done) return;
    this.#changed.add(index);
    if (this.#changed.size > 1 || this.#rereading) return;
    queueMicrotask(() => this.#reread());
  }

  #reread(): void {
    if (this.#done || this.#rereading) return;
    const pending: Promise<void>[] = [];
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const index of changed) {
      const before = (this.outcomes[index] as FetchOutcome).data?.records.length ?? 0;
      const reading = this.#read(index, this.#bytes === before && pending.length === 0);
      if (reading !== null) pending.push(reading);
    }
    if (pending.length === 0) {
      this.#reconsider();
      return;
    }
    this.#rereading = true;
    void Promise.all(pending).then(() => {
      this.#rereading = false;
      this.#reconsider();
      if (this.#changed.size > 0) this.#reread();
    });
  }

  #reconsider(): void {
    if (this.#enough()) this.#finish();
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#timer?.cancel();
    for (const unwatch of this.#unwatch) unwatch();
    this.#unwatch = [];
    if (this.#parked) this.#dependencies.lot.parked--;
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.();
  }
}
