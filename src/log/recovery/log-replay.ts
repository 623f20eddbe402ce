/**
 * Applies an appended or replayed batch to the producer state. Builds the producer state as of any offset of a log from the
 * newest snapshot before the offset and the batches after the snapshot.
 */
import { mark } from '../../base/mark.ts';
import type { BatchHeader } from '../../protocol/records/batch.ts';
import type { LogState } from '../log-state.ts';
import { segmentFileName } from '../names.ts';
import { decodeProducerSnapshot } from '../producers/producer-snapshot.ts';
import { readMarker } from '../records/control-batch.ts';
import { type ProducerState, writtenMs } from '../producers/producer-state.ts';
import type { Segment } from '../segment/segment.ts';
import type { AbortedTransaction } from '../segment/transaction-index.ts';

/** Applies a batch whose offsets are assigned. Returns the transaction that the batch aborts; null: none. */
export function applyToProducers(
  producers: ProducerState,
  header: BatchHeader,
  nowMs: number,
): AbortedTransaction | null {
  if (header.producerId < 0) return null;
  if (!header.isControl) {
    producers.record(header, header.baseOffset, header.lastOffset, nowMs);
    return null;
  }
  if (header.recordsCount === 0) {
    producers.recordEmptiedMarker(header.producerId, header.producerEpoch, nowMs);
    return null;
  }
  const marker = readMarker(header);
  return marker === null ? null : producers.recordMarker(marker, header.baseOffset, nowMs);
}

/** As `applyToProducers`, for a batch that is read from disk: a transactional batch counts as written at its timestamp. */
export function replayToProducers(
  producers: ProducerState,
  header: BatchHeader,
  nowMs: number,
): AbortedTransaction | null {
  const isInTransaction = header.isTransactional && !header.isControl;
  return applyToProducers(producers, header, isInTransaction ? writtenMs(header.maxTimestamp, nowMs) : nowMs);
}

/** Loads the newest usable snapshot at or before `upTo` and replays the batches after it. */
export async function loadProducers(
  state: LogState,
  snapshots: readonly number[],
  upTo: number,
  producers: ProducerState = state.producers,
): Promise<void> {
  const known = await loadSnapshot(state, snapshots, upTo, producers);
  await replayProducers(state, known, upTo, producers);
}

/** Applies the batches in [from, upTo) to the producer state. */
export async function replayProducers(
  state: LogState,
  from: number,
  upTo: number,
  producers: ProducerState = state.producers,
): Promise<void> {
  if (from >= upTo) return;
  const nowMs = state.resources.clock.wallMs();
  for (let i = state.floorSegment(from); i < state.segments.length; i++) {
    const segment = state.segments[i] as Segment;
    if (segment.sizeBytes === 0 || segment.baseOffset >= upTo) continue;
    const start = from <= segment.baseOffset ? 0 : await segment.positionBefore(from);
    await segment.scan(start, false, ({ header }) => {
      if (header.baseOffset >= from && header.lastOffset < upTo) replayToProducers(producers, header, nowMs);
      return header.lastOffset < upTo;
    });
  }
}

/**
 * Loads the newest usable snapshot at or before `upTo`, and deletes damaged ones. Returns the offset of the snapshot; the base
 * offset of the first segment when there is none.
 */
export async function loadSnapshot(
  state: LogState,
  snapshots: readonly number[],
  upTo: number,
  producers: ProducerState = state.producers,
): Promise<number> {
  const { fs, clock, logger } = state.resources;
  for (const offset of [...snapshots].reverse()) {
    if (offset > upTo) continue;
    const path = `${state.directory.path}/${segmentFileName(offset, 'snapshot')}`;
    const content = (await fs.stat(path)) === null ? null : await fs.readFile(path);
    const entries = content === null ? null : decodeProducerSnapshot(content);
    if (entries !== null) {
      producers.load(entries, clock.wallMs());
      return offset;
    }
    mark('log.producer-snapshot-corrupt');
    logger.warn('a producer snapshot is corrupt and is deleted', { partition: state.name, path });
    await fs.remove(path);
  }
  producers.clear();
  return state.segments[0]?.baseOffset ?? 0;
}
