/**
 * The read side of one log: batches by offset, offsets by time, aborted transactions. It changes nothing, except that it
 * rebuilds an invalid index: the read continues without the index, and afterwards the index is rebuilt under the writer's lock.
 *
 * A read during which the log was truncated is repeated. Batches are returned as they are on disk; the client that receives
 * them checks their checksums.
 */
import { mark } from '../base/mark.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { BatchHeader } from '../protocol/records/batch.ts';
import { batchHeader, batchHeaderBytes } from '../protocol/records/batch.ts';
import { headerFault, readFully } from './segment/batch-scan.ts';
import type { LogView } from './log-state.ts';
import { firstRecordAtOrAfter, recordOfMaxTimestamp, type TimestampOffset } from './records/record-checks.ts';
import type { Segment } from './segment/segment.ts';
import { type CachedBatch, viewOf } from './tail-cache.ts';
import type { AbortedTransaction } from './segment/transaction-index.ts';

export interface LogReadResult {
  /** Whole batches; empty when there are none. */
  readonly records: Uint8Array;
  /**
   * Base offset of the first batch, which contains the requested offset or, in a gap, follows it. Without batches: the
   * requested offset.
   */
  readonly firstOffset: number;
  /** The offset at which the next read continues. */
  readonly nextOffset: number;
}

export interface LogParts {
  /** Whole batches in several pieces, so that they need not be copied into one array. */
  readonly parts: readonly Uint8Array[];
  readonly nextOffset: number;
}

const noBytes = new Uint8Array(0);
/** How many bytes more than requested are read from a position that the index gives: it has no entry for most batches. */
const indexSlackBytes = 16 * 1024;
/** For how many sequential readers of a log the position of the next read is remembered. */
const hintsMax = 8;
const truncationRetriesMax = 100;

function empty(offset: number): LogReadResult {
  return { records: noBytes, firstOffset: offset, nextOffset: offset };
}

/**
 * Where a sequential reader continues, so that its next read needs neither the index nor extra bytes. The batch at `position`
 * is the first one that ends at or after `offset`; it begins after `offset` if compaction has left a gap.
 */
interface Hint {
  readonly offset: number;
  readonly segment: Segment;
  readonly position: number;
}

/** The position at which a read of a segment begins. */
interface Start {
  readonly position: number;
  readonly slackBytes: number;
  /** The position comes from the index. If the batch there begins after the wanted offset, the index is wrong. */
  readonly isIndexed: boolean;
}

export class LogReader {
  readonly #state: LogView;
  /** Runs `body` under the writer's lock; a disk error takes the log offline. */
  readonly #exclusive: (body: () => Promise<void>) => Promise<void>;
  #hints: Hint[] = [];
  /** Segments whose indexes are being rebuilt, or are about to be. */
  readonly #repairs = new Set<Segment>();

  constructor(state: LogView, exclusive: (body: () => Promise<void>) => Promise<void>) {
    this.#state = state;
    this.#exclusive = exclusive;
  }

  /** Throws OFFSET_OUT_OF_RANGE unless `offset` is between the log start offset and the log end offset (both included). */
  checkRange(offset: number): void {
    const { logStartOffset, logEndOffset, name } = this.#state;
    if (offset >= logStartOffset && offset <= logEndOffset) return;
    throw new KafkaError(
      Errors.OFFSET_OUT_OF_RANGE,
      `Received request for offset ${offset} for partition ${name}, but we only have log segments in the range ${logStartOffset} to ${logEndOffset}`,
    );
  }

  /**
   * Reads from memory; null when the batch at `offset` is not in memory. The result ends with the segment, as a read from disk
   * does, so that clients cannot see from where a response came.
   */
  readCached(offset: number, maxBytes: number, upTo: number, minOneBatch: boolean): LogReadResult | null {
    const limit = Math.min(upTo, this.#state.logEndOffset);
    if (offset >= limit) return empty(offset);
    const { tail } = this.#state;
    const segmentEnd = this.#state.endOfSegment(this.#state.floorSegment(offset));
    let found = tail.read(offset, maxBytes, Math.min(limit, segmentEnd), minOneBatch);
    // The segment has no more batches, because the leader's log was compacted: continue with the next segment.
    if (found?.length === 0 && segmentEnd < limit) found = tail.read(offset, maxBytes, limit, minOneBatch);
    if (found === null) return null;
    const first = found[0];
    if (first === undefined) return empty(offset);
    const last = found[found.length - 1] as CachedBatch;
    return { records: copyOf(found), firstOffset: first.firstOffset, nextOffset: last.lastOffset + 1 };
  }

  /**
   * As `readCached`, but at least one batch, perhaps of several segments, and not copied: the caller must copy the batches
   * before the next append. Null also when there is no batch from `offset` to `upTo`.
   */
  readCachedParts(offset: number, maxBytes: number, upTo: number): LogParts | null {
    const found = this.#state.tail.read(offset, maxBytes, Math.min(upTo, this.#state.logEndOffset), true);
    const last = found?.at(-1);
    if (found === null || last === undefined) return null;
    return { parts: found.map(viewOf), nextOffset: last.lastOffset + 1 };
  }

  /** See `ReplicaLog.bytesReadable`. */
  bytesReadable(offset: number, upTo: number): number | null {
    const state = this.#state;
    const limit = Math.min(upTo, state.logEndOffset);
    if (offset >= limit) return 0;
    if (state.floorSegment(offset) < state.floorSegment(limit - 1)) return Number.POSITIVE_INFINITY;
    return state.tail.bytesBetween(offset, limit);
  }

  async read(offset: number, maxBytes: number, upTo: number, minOneBatch: boolean): Promise<LogReadResult> {
    const state = this.#state;
    for (let attempt = 0; ; attempt++) {
      state.checkUsable();
      this.checkRange(offset);
      const cached = this.readCached(offset, maxBytes, upTo, minOneBatch);
      if (cached !== null) return cached;
      const { truncationCount } = state;
      try {
        const limit = Math.min(upTo, state.logEndOffset);
        const result = await this.#readSegments(offset, maxBytes, limit, minOneBatch);
        if (truncationCount === state.truncationCount) return result;
      } catch (error) {
        if (truncationCount === state.truncationCount && offset >= state.logStartOffset) throw error;
      }
      if (truncationCount !== state.truncationCount) mark('log.read-overtaken-by-truncation');
      if (attempt >= truncationRetriesMax)
        throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, `${state.name} is truncated again and again`);
    }
  }

  async #readSegments(
    offset: number,
    maxBytes: number,
    limit: number,
    minOneBatch: boolean,
  ): Promise<LogReadResult> {
    const state = this.#state;
    const { segments } = state;
    for (let i = state.floorSegment(offset); i < segments.length; i++) {
      const segment = segments[i] as Segment;
      const result = await this.#readSegment(segment, { offset, maxBytes, limit, minOneBatch });
      // The segment has no batch at or after `offset`, because compaction has removed them: continue with the next segment.
      if (result !== null) return result;
    }
    return empty(offset);
  }

  async #readSegment(segment: Segment, wanted: Wanted): Promise<LogReadResult | null> {
    const start = this.#hinted(segment, wanted.offset) ?? (await indexedStart(segment, wanted.offset));
    try {
      return await this.#readFrom(segment, start, wanted);
    } catch (error) {
      if (!start.isIndexed || !(error instanceof MisplacedError) || error.position !== start.position)
        throw this.#asCorruption(segment, error);
    }
    this.#repair(segment);
    try {
      return await this.#readFrom(segment, segmentStart, wanted);
    } catch (error) {
      throw this.#asCorruption(segment, error);
    }
  }

  /** Rebuilds the index of `segment` under the lock, because it pointed to a wrong position. */
  #repair(segment: Segment): void {
    if (this.#repairs.has(segment)) return;
    mark('log.index-rebuilt');
    this.#state.logger.warn('an index does not match its segment and is rebuilt', {
      partition: this.#state.name,
      segment: segment.path,
    });
    this.#repairs.add(segment);
    this.#exclusive(async () => {
      this.#repairs.delete(segment);
      const state = this.#state;
      if (state.isClosed || state.failure !== null || !state.segments.includes(segment)) return;
      await segment.rebuildIndex();
    }).catch((error: unknown) => {
      // A disk error was handled: it has taken the log offline.
      if (!(error instanceof KafkaError)) throw error;
    });
  }

  #asCorruption(segment: Segment, error: unknown): unknown {
    if (!(error instanceof MisplacedError)) return error;
    this.#state.logger.error('a segment has bytes that are not a batch', {
      segment: segment.path,
      fault: error.message,
    });
    return new KafkaError(Errors.CORRUPT_MESSAGE, `Found invalid data in ${segment.path}: ${error.message}`);
  }

  /** Reads batches from `start` on; null when the segment has no batch that ends at or after the wanted offset. */
  async #readFrom(segment: Segment, start: Start, wanted: Wanted): Promise<LogReadResult | null> {
    const end = segment.sizeBytes;
    let { position } = start;
    let length = Math.max(batchHeaderBytes, wanted.maxBytes) + start.slackBytes;
    while (position < end) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(end - position, length));
      const from = position;
      const have = await segment.use((file) => readFully(file, buffer, from, buffer.length));
      if (have < buffer.length) throw new MisplacedError('the file is shorter than expected', from + have);
      const found = findBatch(buffer, end - position, wanted.offset);
      if (found.fault !== null) throw new MisplacedError(found.fault, position + found.at);
      if (found.header === null) {
        position += found.at;
        continue;
      }
      const { header, at } = found;
      if (start.isIndexed && position + at === start.position && header.baseOffset > wanted.offset)
        throw new MisplacedError(`the index has offset ${header.baseOffset} too early`, start.position);
      if (header.lastOffset >= wanted.limit) return empty(wanted.offset);
      if (header.sizeBytes > wanted.maxBytes && !wanted.minOneBatch) return empty(wanted.offset);
      if (header.sizeBytes > have - at) {
        // Read again, from the beginning of the batch and with room for all of it.
        position += at;
        length = Math.max(header.sizeBytes, wanted.maxBytes);
        continue;
      }
      return this.#collect(segment, buffer, position, at, header, wanted);
    }
    return null;
  }

  /** The result of a read: whole batches, from the one at `at` in the buffer, up to the bounds of the read. */
  #collect(
    segment: Segment,
    buffer: Buffer,
    position: number,
    at: number,
    first: BatchHeader,
    wanted: Wanted,
  ): LogReadResult {
    let last = first;
    let to = at + first.sizeBytes;
    while (to + batchHeaderBytes <= buffer.length) {
      const fault = headerFault(buffer, to, segment.sizeBytes - position - to, last.lastOffset + 1);
      if (fault !== null) break;
      const header = batchHeader(buffer, to);
      const next = to + header.sizeBytes;
      if (next > buffer.length || next - at > wanted.maxBytes || header.lastOffset >= wanted.limit) break;
      last = header;
      to = next;
    }
    const nextOffset = last.lastOffset + 1;
    this.#giveHint({ offset: nextOffset, segment, position: position + to });
    return { records: buffer.subarray(at, to), firstOffset: first.baseOffset, nextOffset };
  }

  #hinted(segment: Segment, offset: number): Start | null {
    const hint = this.#hints.find((one) => one.offset === offset && one.segment === segment);
    if (hint === undefined || hint.position >= segment.sizeBytes) return null;
    return { position: hint.position, slackBytes: 0, isIndexed: false };
  }

  #giveHint(hint: Hint): void {
    if (this.#hints.length >= hintsMax) this.#hints.shift();
    this.#hints.push(hint);
  }

  /**
   * Forgets the positions of sequential readers. Called at a truncation or move, because other bytes may be there afterwards.
   */
  forgetHints(): void {
    this.#hints = [];
  }

  /** The first record whose timestamp is `timestamp` or later; null when there is none. */
  async offsetForTimestamp(timestamp: number): Promise<TimestampOffset | null> {
    const state = this.#state;
    state.checkUsable();
    for (const segment of state.segments) {
      if (segment.sizeBytes === 0 || (await segment.largestTimestamp()) < timestamp) continue;
      const start = await this.#positionOfTimestamp(segment, timestamp);
      let found: TimestampOffset | null = null;
      await segment.scan(start, false, ({ header, bytes, at }) => {
        if (header.maxTimestamp < timestamp || header.lastOffset < state.logStartOffset) return true;
        found = firstRecordAtOrAfter(bytes, at, timestamp, state.logStartOffset);
        return found === null;
      });
      if (found !== null) return found;
    }
    return null;
  }

  /** The first record with the largest timestamp of the log; null when no record has a timestamp. */
  async offsetOfMaxTimestamp(): Promise<TimestampOffset | null> {
    const state = this.#state;
    state.checkUsable();
    let best: Segment | null = null;
    let largest = -1;
    for (const segment of state.segments) {
      const timestamp = segment.sizeBytes === 0 ? -1 : await segment.largestTimestamp();
      if (timestamp <= largest) continue;
      best = segment;
      largest = timestamp;
    }
    if (best === null) return null;
    const start = await this.#positionOfTimestamp(best, largest);
    let found: TimestampOffset | null = null;
    await best.scan(start, false, ({ header, bytes, at }) => {
      if (header.maxTimestamp < largest || header.lastOffset < state.logStartOffset) return true;
      found = recordOfMaxTimestamp(bytes, at);
      return false;
    });
    return found;
  }

  /** The position in the segment at which a search for `timestamp` begins; 0 when the index does not point to a batch. */
  async #positionOfTimestamp(segment: Segment, timestamp: number): Promise<number> {
    const index = await segment.index();
    const offset = index.time.lookup(timestamp);
    const position = index.offset.lookup(offset);
    if (await segment.holdsBatchAt(position, offset)) return position;
    this.#repair(segment);
    return 0;
  }

  /** Aborted transactions that overlap [from, to), in the order of their first offset. */
  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    const state = this.#state;
    const found: AbortedTransaction[] = [];
    for (let i = state.floorSegment(from); i < state.segments.length; i++) {
      const entries = (state.segments[i] as Segment).aborted;
      for (const entry of entries) {
        if (entry.lastOffset >= from && entry.firstOffset < to) found.push(entry);
      }
      // The last stable offset has reached `to`, so every transaction that ends in a later segment began at or after `to`.
      if (entries.some((entry) => entry.lastStableOffset >= to)) break;
    }
    return found.sort((a, b) => a.firstOffset - b.firstOffset);
  }
}

interface Wanted {
  readonly offset: number;
  readonly maxBytes: number;
  readonly limit: number;
  readonly minOneBatch: boolean;
}

/** A batch was expected at this position, but there is none, or a wrong one. */
class MisplacedError extends Error {
  override readonly name = 'MisplacedError';
  /** Position in the segment. */
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

const segmentStart: Start = { position: 0, slackBytes: indexSlackBytes, isIndexed: false };

async function indexedStart(segment: Segment, offset: number): Promise<Start> {
  const position = (await segment.index()).offset.lookup(offset);
  return position === 0 ? segmentStart : { position, slackBytes: indexSlackBytes, isIndexed: true };
}

interface FoundBatch {
  readonly header: BatchHeader | null;
  readonly at: number;
  /** Why the bytes at `at` are not a batch. */
  readonly fault: string | null;
}

/**
 * Finds the first batch in `buffer` that ends at or after `offset`; at least its header must be in the buffer. If there is
 * none, `header` is null and `at` is the end of the last batch whose header is in the buffer. `remainingBytes`: how many bytes
 * the file has from the beginning of the buffer on.
 */
function findBatch(buffer: Buffer, remainingBytes: number, offset: number): FoundBatch {
  let at = 0;
  while (at < remainingBytes) {
    if (at + batchHeaderBytes > buffer.length && remainingBytes - at >= batchHeaderBytes) break;
    const fault = headerFault(buffer, at, remainingBytes - at, 0);
    if (fault !== null) return { header: null, at, fault };
    const header = batchHeader(buffer, at);
    if (header.lastOffset >= offset) return { header, at, fault: null };
    at += header.sizeBytes;
  }
  return { header: null, at, fault: null };
}

function copyOf(batches: readonly CachedBatch[]): Uint8Array {
  let sizeBytes = 0;
  for (const batch of batches) sizeBytes += batch.sizeBytes;
  const copy = Buffer.allocUnsafeSlow(sizeBytes);
  let at = 0;
  for (const batch of batches) {
    copy.set(viewOf(batch), at);
    at += batch.sizeBytes;
  }
  return copy;
}
