/**
 * Opens all partition logs of one log directory at start.
 */
import { readPartitionMetadata } from './checkpoints.ts';
import { forEachLimited } from './concurrency.ts';
import type { LogConfig } from './log-config.ts';
import type { LogDirectory } from './log-directory.ts';
import type { LogCallbacks, LogResources } from './log-state.ts';
import { isDeletedDirectoryName, parsePartitionDirectoryName } from './names.ts';
import { PartitionLog } from './partition-log.ts';

export interface OpeningOptions {
  readonly resources: LogResources;
  readonly configOf: (topic: string) => LogConfig;
  readonly callbacksOf: (log: () => PartitionLog) => LogCallbacks;
  /** A directory that was marked for deletion by an earlier run. */
  readonly onDeleted: (path: string) => void;
  readonly onOpened: (name: string, log: PartitionLog) => void;
}

/** Logs opened, or closed, at the same time. */
export const openingMax = 32;

const metadataTopic = '__cluster_metadata';

function isPartition(name: string): boolean {
  const id = parsePartitionDirectoryName(name);
  return id !== null && id.topic !== metadataTopic;
}

export async function openDirectory(directory: LogDirectory, options: OpeningOptions): Promise<void> {
  const { fs, logger } = options.resources;
  await directory.begin();
  const [recoveryPoints, highWatermarks, logStarts] = await Promise.all([
    directory.readCheckpoint('recoveryPoint'),
    directory.readCheckpoint('highWatermark'),
    directory.readCheckpoint('logStart'),
  ]);
  const open = async (name: string): Promise<void> => {
    const id = parsePartitionDirectoryName(name);
    if (id === null || id.topic === metadataTopic) return;
    const path = `${directory.path}/${name}`;
    const log = await PartitionLog.open({
      directory: path,
      ...id,
      topicId: (await readPartitionMetadata(fs, path)) ?? '',
      config: options.configOf(id.topic),
      resources: options.resources,
      callbacks: options.callbacksOf(() => log),
      isClean: directory.wasClean,
      recoveryPoint: recoveryPoints.get(name) ?? 0,
      logStartOffset: logStarts.get(name) ?? 0,
      highWatermark: highWatermarks.get(name) ?? 0,
      exists: true,
      ownerSyncsParent: true,
    });
    options.onOpened(name, log);
  };
  const names = await fs.list(directory.path);
  const count = names.filter((name) => isPartition(name)).length;
  if (!directory.wasClean && count > 0)
    logger.info('The last shutdown was not clean: recovering', {
      directory: directory.path,
      partitions: count,
    });
  for (const name of names) if (isDeletedDirectoryName(name)) options.onDeleted(`${directory.path}/${name}`);
  await forEachLimited(names, openingMax, async (name) => {
    try {
      await open(name);
    } catch (error) {
      // A file of that name is none of ours.
      if ((error as { code?: unknown }).code !== 'ENOTDIR') throw error;
    }
  });
  // Recovered partitions leave this to us, once for all of them.
  if (!directory.wasClean) await fs.syncDirectory(directory.path);
  directory.dirty.add('recoveryPoint');
}
