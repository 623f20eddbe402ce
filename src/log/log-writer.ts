/**
 * The write side of one log: a queue of batches, and a lock for everything else that changes segments (truncation, deletion,
 * close). Batches that arrive during a write form a group, which the next write writes together (a vectored write).
 *
 * Order for each group: begin a new segment if planned (roll), write, update the indexes, sync if the flush policy requires it,
 * update the tail cache, advance the log end offset, call the listener, resolve the promise. A failed write or sync takes the
 * log offline. A partial write is removed from the file if the disk allows it, and nothing of the group is acknowledged.
 */
import { asStorageError, StorageError } from '../base/file-system.ts';
import { mark } from '../base/mark.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { flushLog, flushTo, isGone, materialise, syncDirectoryEntries, unlessRemoved } from './log-flush.ts';
import type { LogState } from './log-state.ts';
import { segmentFileName } from './names.ts';
import type { Segment } from './segment/segment.ts';
import type { AbortedTransaction } from './segment/transaction-index.ts';

/** A new segment that begins before the next batch. */
export interface RollPlan {
  readonly baseOffset: number;
  /** Producer state before `baseOffset`. */
  readonly producerSnapshot: Uint8Array;
}

export interface WriteItem {
  /** One batch; empty: only the roll. */
  readonly bytes: Uint8Array;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly roll: RollPlan | null;
  readonly aborted: AbortedTransaction | null;
}

interface Group {
  readonly promise: Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Bounds of one vectored write. */
const writeBuffersMax = 1024;
const writeBytesMax = 16 * 1024 * 1024;

function newGroup(): Group {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((resolveIt, rejectIt) => {
    resolve = resolveIt;
    reject = rejectIt;
  });
  // With acks=0 the caller does not wait, and a rejection that nothing handles would end the process.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

const done: Promise<void> = Promise.resolve();

export class LogWriter {
  readonly #state: LogState;
  #queue: WriteItem[] = [];
  /** The group of the queued items. */
  #group: Group | null = null;
  /** The group that is being written. */
  #current: Group | null = null;
  #draining = false;
  #lock: Promise<void> = done;
  /** Records written since the last sync. */
  #unsyncedRecords = 0;
  /** Called after the log end offset has advanced. */
  onAdvance: () => void = () => undefined;

  constructor(state: LogState) {
    this.#state = state;
  }

  /** Queues a write. Resolves when it is written, and synced if the flush policy requires it. */
  enqueue(item: WriteItem): Promise<void> {
    this.#queue.push(item);
    this.#group ??= newGroup();
    const { promise } = this.#group;
    if (!this.#draining) {
      this.#draining = true;
      // Not at once, so that further appends in this turn of the event loop go into the same write.
      queueMicrotask(() => void this.#drain());
    }
    return promise;
  }

  /** Resolves when all items that are queued or being written now are written; rejects when their write fails. */
  settled(): Promise<void> {
    return this.#group?.promise ?? this.#current?.promise ?? done;
  }

  /** Runs `body` while no write is in flight and nothing else changes segments. */
  async exclusive<T>(body: () => Promise<T>): Promise<T> {
    const previous = this.#lock;
    let release: () => void = () => undefined;
    this.#lock = new Promise((resolve) => {
      release = resolve;
    });
    await previous;
    try {
      return await body();
    } finally {
      release();
    }
  }

  /** Takes the log offline, because the disk has failed, and rejects all queued items. */
  fail(error: StorageError): KafkaError {
    const state = this.#state;
    const refusal = new KafkaError(
      Errors.KAFKA_STORAGE_ERROR,
      `Error while writing to the log of ${state.name} in ${state.directory.path}`,
    );
    if (state.failure === null) {
      mark('log.disk-failed');
      state.failure = error;
      state.logger.error('the disk failed under a partition', {
        partition: state.name,
        error: String(error),
      });
      state.options.callbacks.onFailure(error);
    }
    this.#queue = [];
    this.#group?.reject(refusal);
    this.#group = null;
    return refusal;
  }

  async #drain(): Promise<void> {
    // The lock is released after each group, so that retention and truncation get it even under load.
    while (this.#queue.length > 0) await this.exclusive(() => this.#drainOnce());
    this.#draining = false;
  }

  async #drainOnce(): Promise<void> {
    const items = this.#queue;
    const group = this.#group;
    if (group === null) return;
    this.#queue = [];
    this.#group = null;
    this.#current = group;
    try {
      if (this.#state.failure !== null) group.reject(this.fail(this.#state.failure));
      else await this.#writeGroup(items).then(group.resolve);
    } catch (error) {
      // Any other error is a bug and ends the process: offsets and producer state are ahead of the file, so the log can not go
      // on.
      group.reject(error instanceof StorageError ? this.fail(error) : error);
      if (!(error instanceof StorageError)) throw error;
    }
    this.#current = null;
  }

  async #writeGroup(items: readonly WriteItem[]): Promise<void> {
    const state = this.#state;
    await materialise(state);
    if (!state.isTouched) {
      state.isTouched = true;
      state.options.callbacks.onTouched();
    }
    const last = items[items.length - 1] as WriteItem;
    const first = items[0] as WriteItem;
    const { flushMessages } = state.config;
    const syncs = this.#unsyncedRecords + (last.lastOffset - first.firstOffset + 1) >= flushMessages;
    let from = 0;
    while (from < items.length) {
      const to = sliceEnd(items, from);
      await this.#writeSlice(items, from, to);
      if (!syncs) this.#advance(items, from, to);
      from = to;
    }
    this.#unsyncedRecords += last.lastOffset - first.firstOffset + 1;
    if (syncs) {
      await flushTo(state, last.lastOffset + 1, { indexes: false });
      this.#unsyncedRecords = 0;
      this.#advance(items, 0, items.length);
    }
    if (state.active.wantsIndexWrite) await state.active.writeIndexes(false);
  }

  /**
   * Writes the items `from` to `to` in one vectored write. Only the first item may have a roll, which comes before the write.
   */
  async #writeSlice(items: readonly WriteItem[], from: number, to: number): Promise<void> {
    const state = this.#state;
    const { roll } = items[from] as WriteItem;
    if (roll !== null) await this.#roll(roll);
    const segment = state.active;
    const buffers: Uint8Array[] = [];
    for (let i = from; i < to; i++) addBuffer(buffers, (items[i] as WriteItem).bytes);
    if (buffers.length > 0) {
      const position = segment.sizeBytes;
      try {
        await segment.use((file) => file.write(buffers, position));
      } catch (error) {
        // Remove what was written, because it is not acknowledged. If this fails too, recovery handles it at the next start.
        await segment.use((file) => file.truncate(position)).catch(() => undefined);
        throw error;
      }
      // The write has created the file. The flag is set only now: if it were set before, a concurrent sync might clear it too
      // early.
      if (position === 0) state.directoryDirty = true;
    }
    for (let i = from; i < to; i++) {
      const item = items[i] as WriteItem;
      if (item.bytes.length === 0) continue;
      segment.appended(item.bytes, item.maxTimestamp, item.lastOffset, state.config.indexIntervalBytes);
      if (item.aborted !== null) segment.addAborted(item.aborted);
    }
  }

  #advance(items: readonly WriteItem[], from: number, to: number): void {
    const state = this.#state;
    for (let i = from; i < to; i++) {
      const item = items[i] as WriteItem;
      if (item.bytes.length > 0) state.tail.add(item.firstOffset, item.lastOffset, item.bytes);
    }
    const end = (items[to - 1] as WriteItem).lastOffset + 1;
    if (end <= state.logEndOffset) return;
    state.logEndOffset = end;
    this.onAdvance();
  }

  /** Begins a new active segment. The old one is synced in the background; then the recovery point advances to its end. */
  async #roll(plan: RollPlan): Promise<void> {
    const state = this.#state;
    const old = state.active;
    if (old.baseOffset === plan.baseOffset && old.sizeBytes === 0) return;
    // The old segment's directory entry must be durable before the new file exists. Otherwise a power cut could lose the old
    // file and keep the new one.
    await syncDirectoryEntries(state);
    state.directoryDirty = true;
    await replaceUnsynced(state, segmentFileName(plan.baseOffset, 'snapshot'), plan.producerSnapshot);
    if (old.sizeBytes === 0) {
      // The first batch is too far from the base offset of an empty segment, so that segment is replaced.
      await old.removeFiles();
      state.segments = [...state.segments.slice(0, -1), state.newSegment(plan.baseOffset)];
      return;
    }
    old.seal();
    await old.writeIndexes(false);
    state.segments = [...state.segments, state.newSegment(plan.baseOffset)];
    const { truncationCount } = state;
    state.resources.scheduler.soon(() => {
      // If the log was truncated in the meantime, these offsets belong to other records, which are not synced.
      if (state.truncationCount === truncationCount) void this.#flushSealed(old, plan.baseOffset);
    });
  }

  async #flushSealed(segment: Segment, end: number): Promise<void> {
    const state = this.#state;
    if (state.isClosed || state.failure !== null || !state.segments.includes(segment)) return;
    try {
      await flushTo(state, end, { indexes: true });
      // If the recovery point was already at this offset, `flushTo` did nothing, but the roll has added the last entries to the
      // indexes.
      if (segment.hasUnsyncedIndex) {
        await state.directory.using(() => unlessRemoved(state, segment, () => segment.writeIndexes(true)));
      }
    } catch (error) {
      // As in `flush`.
      if (state.isClosed && isGone(error)) return;
      this.fail(asStorageError(error));
    }
  }

  /** Syncs everything that is written; with `indexes` the recovery point advances. */
  async flush(indexes: boolean): Promise<void> {
    const state = this.#state;
    if (state.failure !== null || state.isClosed) return;
    try {
      await flushLog(state, { indexes });
    } catch (error) {
      // The partition was deleted or moved away in the meantime, so its files are gone.
      if (state.isClosed && isGone(error)) return;
      throw this.fail(asStorageError(error));
    }
  }
}

/**
 * The index after the last item that goes into one write with item `from`: it ends at the next roll and at the bounds of a
 * write.
 */
function sliceEnd(items: readonly WriteItem[], from: number): number {
  let sizeBytes = 0;
  let to = from;
  while (to < items.length && to - from < writeBuffersMax) {
    const item = items[to] as WriteItem;
    if (to > from && (item.roll !== null || sizeBytes + item.bytes.length > writeBytesMax)) break;
    sizeBytes += item.bytes.length;
    to += 1;
  }
  return to;
}

/** Adds a batch to the write. Adjacent batches in the same memory become one buffer. */
function addBuffer(buffers: Uint8Array[], bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  const last = buffers[buffers.length - 1];
  if (
    last !== undefined &&
    last.buffer === bytes.buffer &&
    last.byteOffset + last.length === bytes.byteOffset
  ) {
    buffers[buffers.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + bytes.length);
    return;
  }
  buffers.push(bytes);
}

/**
 * Replaces a file without a sync. When the process is killed, the file has the old or the new content. A power cut may lose it,
 * so this is only for files that can be made again.
 */
export async function replaceUnsynced(state: LogState, name: string, content: Uint8Array): Promise<void> {
  const { fs } = state.resources;
  const path = `${state.directory.path}/${name}`;
  const file = await fs.open(`${path}.tmp`, 'write');
  try {
    await file.truncate(0);
    await file.write([content], 0);
  } finally {
    await file.close();
  }
  await fs.rename(`${path}.tmp`, path);
}
