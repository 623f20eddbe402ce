/**
 * Replicas whose records are missing, known from the files of a log directory. The list is kept in a file until the controller has
 * it: a start truncates logs and lowers recovery points, so the next one does not find the loss again.
 */
import type { FileSystem } from '../../base/file-system.ts';
import type { Scheduler } from '../../base/clock.ts';
import type { Uuid } from '../../base/uuid.ts';
import { lostRecordsName, parsePartitionDirectoryName } from '../names.ts';
import { readOffsetCheckpoint, writeOffsetCheckpoint } from './checkpoints.ts';

export interface LostReplica {
  readonly topic: string;
  readonly partition: number;
  /** Empty when it is unknown. */
  readonly topicId: Uuid;
  /** The latest leader epoch that is left in the log; -1: none. */
  readonly latestEpoch: number;
}

/** By the name of the partition's directory. */
export type LostReplicas = Map<string, LostReplica>;

/** Adds what an earlier start has found and not reported. A damaged file counts as empty. */
export async function readLost(fs: FileSystem, directory: string, lost: LostReplicas): Promise<void> {
  const known = await readOffsetCheckpoint(fs, `${directory}/${lostRecordsName}`);
  for (const [name, latestEpoch] of known ?? []) {
    const id = parsePartitionDirectoryName(name);
    if (id !== null) lost.set(name, { ...id, topicId: '', latestEpoch });
  }
}

export async function writeLost(
  fs: FileSystem,
  directory: string,
  lost: LostReplicas,
  scheduler: Scheduler,
): Promise<void> {
  if (lost.size === 0) return;
  const epochs = new Map([...lost].map(([name, { latestEpoch }]) => [name, latestEpoch]));
  await writeOffsetCheckpoint(fs, `${directory}/${lostRecordsName}`, epochs, scheduler);
}

/** Called when the controller has the list: removes the file. */
export async function forgetLost(fs: FileSystem, directory: string, lost: LostReplicas): Promise<void> {
  if (lost.size > 0) await fs.remove(`${directory}/${lostRecordsName}`);
}
