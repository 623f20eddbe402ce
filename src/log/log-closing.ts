/** Leaves a partition's directory in the state of a clean shutdown: synced, with complete indexes and a producer snapshot. */
import type { LogState } from './log-state.ts';
import { listSnapshots, removeSnapshots } from './log-truncation.ts';
import type { LogWriter } from './log-writer.ts';
import { segmentFileName } from './names.ts';
import { encodeProducerSnapshot } from './producers/producer-snapshot.ts';
import { writeSegmentCheckpoint } from './segment-checkpoint.ts';
import type { Segment } from './segment/segment.ts';

/** Must be called under the writer's lock, when no write is queued. */
export async function closeCleanly(state: LogState, writer: LogWriter): Promise<void> {
  const { active } = state;
  // All records may be synced, but the producer state may be only in memory; then a snapshot is written too.
  const dirty =
    state.recoveryPoint < state.logEndOffset ||
    (state.producers.size > 0 && state.producersKnownAt !== state.logEndOffset);
  if (active.sizeBytes > 0) active.loadedIndex.sealTime();
  if (dirty) {
    await writeSnapshot(state);
    await writer.flush(true);
  }
  if (active.sizeBytes > 0 && active.hasUnwrittenIndexes) await active.writeIndexes(true);
  await writeSegmentCheckpoint(state, state.logEndOffset);
}

/** Writes a producer snapshot for the end of the log, and removes older ones that are not at the start of a segment. */
async function writeSnapshot(state: LogState): Promise<void> {
  const { fs } = state.resources;
  const snapshots = await listSnapshots(state);
  if (state.producers.size === 0 && snapshots.length === 0) return;
  const end = state.logEndOffset;
  const file = await fs.open(`${state.directory.path}/${segmentFileName(end, 'snapshot')}`, 'write');
  try {
    await file.truncate(0);
    await file.write([encodeProducerSnapshot(state.producers.snapshot())], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  state.directoryDirty = true;
  const bases = new Set(state.segments.map((segment: Segment) => segment.baseOffset));
  await removeSnapshots(state, (offset) => offset !== end && !bases.has(offset));
}
