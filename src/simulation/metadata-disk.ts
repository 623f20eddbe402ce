/**
 * The storage of one machine's metadata log, for all incarnations of the machine. A write becomes durable as a whole or not at
 * all. A write that is in progress when the machine crashes is found afterwards or not, at random. Tests can make a write fail,
 * as on a failing disk, or make the store damaged at the next start.
 */
import { applyWrites, type DiskImage, emptyDisk, MemoryStore } from '../raft/memory-store.ts';
import { DamagedStoreError, type RaftStore, type RecoveredState, type WriteOp } from '../raft/store.ts';
import type { Incarnation } from './host.ts';
import type { SeededRandom } from './random.ts';

const syncMinMs = 0.2;
const syncMeanMs = 2;

export class MetadataDisk {
  /** The store of the current incarnation, or of the last one. */
  store = new MemoryStore();
  /** The next write fails with this system error code; null: it succeeds. */
  failure: string | null = null;
  /** The content has a wrong checksum, so the next start must fail. */
  isDamaged = false;
  private readonly random: SeededRandom;
  private underway: readonly WriteOp[] | null = null;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  get durable(): DiskImage {
    return this.store.durable;
  }

  /** Replaces the disk by an empty one. */
  erase(): void {
    this.store = new MemoryStore(emptyDisk);
    this.isDamaged = false;
    this.underway = null;
  }

  /**
   * The store for a new incarnation, with the content that the last incarnation has left. A write that an ended incarnation has
   * begun never completes, so it cannot change this store.
   */
  openFor(life: Incarnation): RaftStore {
    this.settle();
    const sync = (): Promise<void> =>
      new Promise((resolve) => {
        life.after(syncMinMs + life.random.exponential(syncMeanMs), resolve);
      });
    const store = new LifeStore(this.durable, sync, this);
    this.store = store;
    return store;
  }

  begins(ops: readonly WriteOp[]): void {
    this.underway = ops;
  }

  ended(): void {
    this.underway = null;
  }

  /** The error with which the present write fails, once; null: it succeeds. A failed write may still have reached the disk. */
  takeFailure(): Error | null {
    const { failure } = this;
    if (failure === null) return null;
    this.failure = null;
    this.settle();
    return Object.assign(new Error(`${failure}: metadata log`), { code: failure });
  }

  private settle(): void {
    const { underway } = this;
    this.underway = null;
    if (underway !== null && this.random.chance(0.5))
      this.store.durable = applyWrites(this.durable, underway);
  }
}

/** The store of one incarnation. */
class LifeStore extends MemoryStore {
  readonly #disk: MetadataDisk;
  readonly #wait: () => Promise<void>;

  constructor(durable: DiskImage, sync: () => Promise<void>, disk: MetadataDisk) {
    super(durable, sync);
    this.#disk = disk;
    this.#wait = sync;
  }

  override async open(): Promise<RecoveredState> {
    if (this.#disk.isDamaged) throw new DamagedStoreError('a checksum of the metadata log is wrong');
    return super.open();
  }

  override async write(ops: readonly WriteOp[]): Promise<void> {
    this.#disk.begins(ops);
    if (this.#disk.failure !== null) {
      await this.#wait();
      const error = this.#disk.takeFailure();
      if (error !== null) throw error;
    }
    await super.write(ops);
    this.#disk.ended();
  }
}
