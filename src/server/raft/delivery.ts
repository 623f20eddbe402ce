/**
 * Delivers committed entries that are on this node's disk to the listeners, in order and without gaps. When the log no longer
 * has the next entry, a snapshot is delivered first. After 5 ms it lets the event loop do other work.
 */
import { at } from '../../base/assert.ts';
import type { Clock, Scheduler } from '../../base/clock.ts';
import { yieldTurn } from '../../base/clock.ts';
import type { CommittedEntry, MetadataSnapshot } from '../../raft/api.ts';
import type { RaftCore } from '../../raft/core.ts';
import type { RaftStore } from '../../raft/store.ts';
import type { Entry } from '../../raft/types.ts';

const sliceMs = 5;
const batchCountMax = 64;
const batchBytesMax = 64 * 1024;
const readBytesMax = 1024 * 1024;
const nothing = new Uint8Array(0);

export interface DeliveryOptions {
  readonly core: RaftCore;
  readonly store: RaftStore;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly onCommit: (entries: readonly CommittedEntry[]) => void;
  readonly onSnapshot: (snapshot: MetadataSnapshot) => Promise<void>;
  /** Called after each batch; everything below `endOffset` is delivered. */
  readonly onDelivered: (endOffset: number) => void;
  readonly onFailure: (error: unknown) => void;
}

function committedEntry(entry: Entry): CommittedEntry {
  const payload = entry.kind === 'data' ? entry.payload : nothing;
  return { offset: entry.offset, epoch: entry.epoch, payload, appendedMs: entry.appendedMs };
}

/**
 * The entries from index `from` on to deliver in one call: at most `batchCountMax` entries, and about `batchBytesMax` bytes.
 */
export function batchAt(entries: readonly Entry[], from: number): CommittedEntry[] {
  const batch: CommittedEntry[] = [];
  let sizeBytes = 0;
  for (let i = from; i < entries.length && batch.length < batchCountMax; i++) {
    const entry = committedEntry(at(entries, i));
    sizeBytes += entry.payload.length;
    if (batch.length > 0 && sizeBytes > batchBytesMax) break;
    batch.push(entry);
  }
  return batch;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  #endOffset = 0;
  #running: Promise<void> | null = null;
  #stopped = false;
  #sliceStartMs = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Everything below this offset is delivered. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Begins a delivery if there is something to deliver and none is in progress. */
  wake(): void {
    if (this.#running !== null || this.#stopped || !this.#behind()) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
    });
    this.#running.then(() => this.wake(), this.#options.onFailure);
  }

  /** Resolves when everything that was deliverable has been delivered. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running?.catch(() => {});
  }

  #behind(): boolean {
    return this.#endOffset < this.#options.core.deliverableEndOffset;
  }

  async #run(): Promise<void> {
    const { clock, core } = this.#options;
    this.#sliceStartMs = clock.monotonicMs();
    while (this.#behind() && !this.#stopped) {
      if (this.#endOffset < core.state.log.startOffset) await this.#deliverSnapshot();
      else await this.#deliverEntries();
    }
  }

  async #yieldTurn(): Promise<void> {
    const { clock, scheduler } = this.#options;
    if (clock.monotonicMs() - this.#sliceStartMs < sliceMs) return;
    await yieldTurn(scheduler);
    this.#sliceStartMs = clock.monotonicMs();
  }

  async #deliverSnapshot(): Promise<void> {
    const { store, onSnapshot, onDelivered } = this.#options;
    const snapshot = await store.readSnapshot();
    if (this.#stopped) return;
    if (snapshot === null || snapshot.meta.endOffset <= this.#endOffset) {
      throw new Error(`no snapshot covers the metadata log from offset ${this.#endOffset}`);
    }
    const { meta, bytes } = snapshot;
    await onSnapshot({ offset: meta.endOffset - 1, epoch: meta.epoch, bytes });
    if (this.#stopped) return;
    this.#endOffset = meta.endOffset;
    onDelivered(this.#endOffset);
  }

  async #deliverEntries(): Promise<void> {
    const { core, store, onCommit, onDelivered } = this.#options;
    const endOffset = core.deliverableEndOffset;
    const entries =
      core.state.log.cached(this.#endOffset, endOffset, readBytesMax) ??
      (await store.read(this.#endOffset, endOffset, readBytesMax));
    // Null: these entries were removed during the read, after a snapshot. `#run` then delivers the snapshot.
    if (entries === null || this.#stopped) return;
    for (let from = 0; from < entries.length; ) {
      const batch = batchAt(entries, from);
      from += batch.length;
      onCommit(batch);
      this.#endOffset += batch.length;
      onDelivered(this.#endOffset);
      if (from < entries.length || this.#behind()) await this.#yieldTurn();
      if (this.#stopped) return;
    }
  }
}
