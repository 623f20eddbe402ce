/**
 * Replicas that lack records, as a start finds them from the files of a log directory. The list is kept in a file until the
 * controller has it: a start truncates logs and lowers recovery points, so the next start would not find the loss again.
 */
import type { FileSystem } from '../../base/file-system.ts';
import { LaterReleaseError } from '../../base/later-release.ts';
import type { Scheduler } from '../../base/clock.ts';
import type { Uuid } from '../../base/uuid.ts';
import { lostRecordsName, parsePartitionDirectoryName } from '../names.ts';
import { readIfExists } from '../segment/index-bytes.ts';
import { decodeOffsetCheckpoint, writeOffsetCheckpoint } from './checkpoints.ts';

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

/**
 * Adds the replicas that an earlier start has found and not reported. A damaged file counts as empty. Throws
 * `LaterReleaseError` for a file of a later version.
 */
export async function readLost(fs: FileSystem, directory: string, lost: LostReplicas): Promise<void> {
  const path = `${directory}/${lostRecordsName}`;
  const content = await readIfExists(fs, path);
  if (content === null) return;
  const text = new TextDecoder().decode(content);
  const version = /^[1-9]\d*(?=\n)/.exec(text)?.[0];
  if (version !== undefined) throw new LaterReleaseError(`${path}: it has version ${version}, known is 0`);
  for (const [name, latestEpoch] of decodeOffsetCheckpoint(text) ?? []) {
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
