/**
 * What lies under the metadata log of one machine, over all its incarnations: a store whose writes are durable as a whole or not at
 * all. A write that was under way when the machine died is found afterwards or not, by chance; the store may fail a write,
 * as a dying disk does, and be found damaged at the next start.
 */
import { applyWrites, type DiskImage, emptyDisk, MemoryStore } from '../raft/memory-store.ts';
import { DamagedStoreError, type RaftStore, type RecoveredState, type WriteOp } from '../raft/store.ts';
import type { Incarnation } from './host.ts';
import type { SeededRandom } from './random.ts';

const syncMinMs = 0.2;
const syncMeanMs = 2;

export class MetadataDisk {
  /** Of the current incarnation or the last one. */
  store = new MemoryStore();
  /** The next write fails with this code of the system; null: none does. */
  failure: string | null = null;
  /** A checksum does not fit: the next start must refuse to go on. */
  isDamaged = false;
  private readonly random: SeededRandom;
  private underway: readonly WriteOp[] | null = null;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  get durable(): DiskImage {
    return this.store.durable;
  }

  /** The disk is replaced by an empty one. */
  erase(): void {
    this.store = new MemoryStore(emptyDisk);
    this.isDamaged = false;
    this.underway = null;
  }

  /** The store for a new incarnation, with what the last one left. A sync of an ended incarnation never completes, so it changes nothing. */
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

  /** The error of a write that fails now; it may have reached the disk all the same. */
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
    if (this.#disk.isDamaged) throw new DamagedStoreError('a checksum of the metadata log does not fit');
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
