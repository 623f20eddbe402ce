/** Opens all partition logs of a log directory when the broker starts, and closes them when it stops. */
import { StorageError } from '../../base/file-system.ts';
import { readPartitionMetadata } from './checkpoints.ts';
import { forEachInTurns, forEachLimited } from '../manager/concurrency.ts';
import type { LogConfig } from '../log-config.ts';
import type { Held, LogCheckpoints } from './log-checkpoints.ts';
import { checkpointKinds, type LogDirectory } from './log-directory.ts';
import type { LogCallbacks, LogResources } from '../log-state.ts';
import {
  isDeletedDirectoryName,
  parseFutureDirectoryName,
  parsePartitionDirectoryName,
  partitionDirectoryName,
} from '../names.ts';
import { PartitionLog } from '../partition-log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OffsetRange } from '../segment/transaction-index.ts';

export interface OpeningOptions {
  readonly resources: LogResources;
  /** The broker is being stopped: no further log is opened. */
  readonly isStopping: () => boolean;
  readonly configOf: (topic: string) => LogConfig;
  readonly callbacksOf: (name: string, log: () => PartitionLog) => LogCallbacks;
  /** Called for each copy of a replica that an earlier incarnation was moving to this directory. */
  readonly onFuture: (name: string, path: string) => void;
  /** Called for each partition directory that an earlier incarnation has renamed to be deleted. */
  readonly onDeleted: (path: string) => void;
  readonly onOpened: (name: string, log: PartitionLog) => void;
}

/** How many logs are opened or closed at a time. */
const openingMax = 32;
/** How many partitions a warning about many logs names. */
const namedMax = 5;

const metadataTopic = '__cluster_metadata';

function isPartition(name: string): boolean {
  const id = parsePartitionDirectoryName(name);
  return id !== null && id.topic !== metadataTopic;
}

/** A checkpoint names a partition with records in `range`, but its directory is missing. */
function noteAbsent({ absent }: LogDirectory, name: string, { from, to }: OffsetRange): void {
  if (to > from) absent.set(name, { from, to: Math.max(to, absent.get(name)?.to ?? 0) });
}

function tellLeftOver(path: string, name: string, options: OpeningOptions): void {
  if (isDeletedDirectoryName(name)) options.onDeleted(path);
  const moving = parseFutureDirectoryName(name);
  if (moving !== null) options.onFuture(partitionDirectoryName(moving.topic, moving.partition), path);
}

/** Logs one line for all logs, because a power cut shortens every log that was not synced. */
function warnShort({ path }: LogDirectory, names: readonly string[], logger: Logger): void {
  if (names.length === 0) return;
  logger.warn('logs end below their high watermark: committed records are missing on this broker', {
    directory: path,
    partitions: names.length,
    first: names.slice(0, namedMax).join(','),
  });
}

/** Opens all logs of a log directory; with `only`, the log of that partition directory. */
export async function openDirectory(
  directory: LogDirectory,
  only: string | null,
  options: OpeningOptions,
): Promise<void> {
  const { fs, logger, scheduler } = options.resources;
  const [recoveryPoints, highWatermarks, logStarts] = await Promise.all([
    directory.readCheckpoint('recoveryPoint'),
    directory.readCheckpoint('highWatermark'),
    directory.readCheckpoint('logStart'),
  ]);
  const short: string[] = [];
  const open = async (name: string): Promise<void> => {
    const id = parsePartitionDirectoryName(name);
    if (id === null || id.topic === metadataTopic || options.isStopping()) return;
    const path = `${directory.path}/${name}`;
    const log = await PartitionLog.open({
      directory: path,
      ...id,
      topicId: (await readPartitionMetadata(fs, path)) ?? '',
      config: options.configOf(id.topic),
      resources: options.resources,
      callbacks: options.callbacksOf(name, () => log),
      isClean: directory.wasClean,
      recoveryPoint: recoveryPoints.get(name) ?? 0,
      logStartOffset: logStarts.get(name) ?? 0,
      highWatermark: highWatermarks.get(name) ?? 0,
      directoryExists: true,
      ownerSyncsParent: true,
    });
    if (log.state.hasLostRecords)
      directory.lost.set(name, { ...id, topicId: log.topicId, latestEpoch: log.latestEpoch });
    if (log.state.endsBelowHighWatermark) short.push(name);
    options.onOpened(name, log);
  };
  const names = only === null ? await fs.list(directory.path) : [only];
  const present = new Set(names);
  if (only === null)
    for (const ends of [recoveryPoints, highWatermarks])
      await forEachInTurns(ends, scheduler, ([name, to]) => {
        if (!present.has(name)) noteAbsent(directory, name, { from: logStarts.get(name) ?? 0, to });
      });
  let count = 0;
  await forEachInTurns(names, scheduler, (name) => {
    if (isPartition(name)) count += 1;
    else tellLeftOver(`${directory.path}/${name}`, name, options);
  });
  const fields = { directory: directory.path, partitions: count };
  if (!directory.wasClean && count > 0) logger.info('The last shutdown was not clean: recovering', fields);
  await forEachLimited(names, openingMax, scheduler, async (name) => {
    try {
      await open(name);
    } catch (error) {
      // This is a file with the name of a partition directory; it is ignored.
      if (!(error instanceof StorageError && error.code === 'ENOTDIR')) throw error;
    }
  });
  warnShort(directory, short, logger);
  // Recovery does not sync the log directory for each partition; this one sync is for all of them.
  if (!directory.wasClean) await fs.syncDirectory(directory.path);
  directory.dirty.add('recoveryPoint');
}

/**
 * Closes the logs of a directory. Writes the clean shutdown file, unless the disk fails before.
 *
 * When the start has not opened all logs, the checkpoints stay as they are, and the directory is clean only if it was before:
 * no log has changed since, but one that is not open may need recovery.
 */
export async function closeDirectory(
  directory: LogDirectory,
  logs: readonly Held[],
  checkpoints: LogCheckpoints,
  brokerEpoch: number | null,
  { logger, scheduler }: LogResources,
): Promise<void> {
  try {
    if (directory.isOffline || !(directory.isLoaded || directory.wasClean)) {
      await forEachInTurns(logs, scheduler, ({ log }) => log.abandon());
      return;
    }
    await forEachLimited(logs, openingMax, scheduler, async ({ log }) => {
      await log.materialise();
      await log.close();
    });
    if (directory.isOffline) return;
    if (directory.isLoaded) for (const kind of checkpointKinds) await checkpoints.writeOne(directory, kind);
    await directory.markClean(brokerEpoch);
  } catch (error) {
    logger.error('a log directory could not be closed cleanly', {
      directory: directory.path,
      error: String(error),
    });
  } finally {
    await directory.unlock();
  }
}
