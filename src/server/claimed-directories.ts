/**
 * Checks the log directories before anything else in them is read or written: each must be formatted for this cluster and this
 * node, and no other process may use it. A directory that cannot be read is offline from the start. The node then starts with
 * the other directories, unless the metadata log is in the offline one.
 */
import type { Clock } from '../base/clock.ts';
import type { FileLock, FileSystem } from '../base/file-system.ts';
import { LaterReleaseError, located } from '../base/later-release.ts';
import { randomUuid, type Uuid } from '../base/uuid.ts';
import type { Random } from '../base/random.ts';
import type { NodeConfig } from '../config/node-config.ts';
import {
  dateComment,
  type MetaProperties,
  metaPropertiesPath,
  readMetaProperties,
  writeMetaProperties,
} from '../log/directories/meta-properties.ts';
import { uuidLostDirectory } from '../metadata/topics-image.ts';
import type { Logger } from '../telemetry/logger.ts';

/** This node cannot use a directory. The message says why, in Kafka's words; `remedy` says what the operator can do. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

const formatRemedy =
  'Format the directories of log.dirs once: kafka-storage.sh format -t CLUSTER_ID -c FILE with the properties file of this node ' +
  '(kafka-storage.sh random-uuid makes the id of a new cluster; all nodes of a cluster share it).';

export interface FormattedDirectory {
  readonly path: string;
  /** `uuidLostDirectory` when the directory cannot be read. */
  readonly id: Uuid;
  /** Why the directory is offline; null when it can be used. */
  readonly failure: unknown;
}

export interface ClaimedDirectories {
  readonly clusterId: string;
  readonly logDirs: readonly FormattedDirectory[];
  /** The directory of the metadata log: one of `logDirs` or a separate one. */
  readonly metadataDir: FormattedDirectory;
  release(): Promise<void>;
}

export interface ClaimOptions {
  readonly config: NodeConfig;
  readonly fs: FileSystem;
  readonly random: Random;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Checks and locks every configured directory. Throws `DirectoryError`, or `LaterReleaseError` for one of a later release. */
export async function claimDirectories(options: ClaimOptions): Promise<ClaimedDirectories> {
  const { config, fs } = options;
  const paths = [...new Set([...config.logDirs, config.metadataLogDir])];
  const { metas, failures } = await readAll(options, paths);
  const clusterId = checkTogether(config, metas);
  const locks: FileLock[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(locks.splice(0).map((lock) => lock.release()));
  };
  try {
    for (const path of metas.keys()) {
      const lock = await lockDirectory(fs, path).catch((error: unknown) => {
        // The lock could not be created, for example because the disk no longer accepts writes: the directory is offline.
        if (error instanceof DirectoryError || path === config.metadataLogDir) throw error;
        failures.set(path, error);
        return null;
      });
      if (lock !== null) locks.push(lock);
    }
  } catch (error) {
    await release();
    throw error;
  }
  const ids = await directoryIds(options, metas);
  const formatted = (path: string): FormattedDirectory => ({
    path,
    id: ids.get(path) ?? uuidLostDirectory,
    failure: failures.get(path) ?? null,
  });
  return {
    clusterId,
    logDirs: config.logDirs.map(formatted),
    metadataDir: formatted(config.metadataLogDir),
    release,
  };
}

/** Gives a permanent directory id to a directory that was formatted without one. */
async function directoryIds(
  { fs, random, clock }: ClaimOptions,
  metas: ReadonlyMap<string, MetaProperties>,
): Promise<Map<string, Uuid>> {
  const ids = new Map<string, Uuid>();
  for (const [path, meta] of metas) {
    const directoryId = meta.directoryId ?? randomUuid(random);
    ids.set(path, directoryId);
    if (meta.directoryId === null)
      await writeMetaProperties(fs, path, { ...meta, directoryId }, dateComment(clock.wallMs()));
  }
  return ids;
}

interface Readings {
  readonly metas: Map<string, MetaProperties>;
  /** Directories that could not be read. */
  readonly failures: Map<string, unknown>;
}

async function readAll({ config, fs, logger }: ClaimOptions, paths: readonly string[]): Promise<Readings> {
  const metas = new Map<string, MetaProperties>();
  const failures = new Map<string, unknown>();
  const unformatted: string[] = [];
  for (const path of paths) {
    try {
      const meta = await readMetaProperties(fs, path);
      if (meta === null) unformatted.push(path);
      else metas.set(path, meta);
    } catch (error) {
      // Not damaged, so neither of the remedies below is right for it.
      if (error instanceof LaterReleaseError) throw located(metaPropertiesPath(path), error);
      logger.error('Error while reading meta.properties file', {
        path: metaPropertiesPath(path),
        error: (error as Error).message,
      });
      failures.set(path, error);
    }
  }
  if (metas.size === 0) throw new DirectoryError('No readable meta.properties files found.', formatRemedy);
  const [first] = unformatted;
  if (first !== undefined) {
    throw new DirectoryError(
      `No \`meta.properties\` found in ${first} (have you run \`kafka-storage.sh\` to format the directory?)`,
      formatRemedy.replace(' -c FILE', ' -c FILE --ignore-formatted'),
    );
  }
  if (failures.has(config.metadataLogDir)) {
    throw new DirectoryError(
      `Encountered I/O error in metadata log directory ${config.metadataLogDir}. Cannot continue.`,
      'Repair the disk or its permissions; the line before says what failed.',
    );
  }
  return { metas, failures };
}

/**
 * Checks that all directories belong to one cluster and to this node and that none is a copy of another. Returns the
 * cluster id.
 */
function checkTogether(config: NodeConfig, metas: ReadonlyMap<string, MetaProperties>): string {
  let clusterId: string | null = null;
  const pathOfId = new Map<Uuid, string>();
  for (const [path, meta] of metas) {
    const { directoryId } = meta;
    const other = directoryId === null ? undefined : pathOfId.get(directoryId);
    if (other !== undefined) {
      throw new DirectoryError(
        `Duplicate directory ID ${directoryId} found. It was the ID of ${other}, but also of ${path}`,
        'One was copied from the other: take the copy out of log.dirs, or empty it and format it.',
      );
    }
    if (directoryId !== null) pathOfId.set(directoryId, path);
    clusterId ??= meta.clusterId;
    if (meta.clusterId !== clusterId) {
      throw new DirectoryError(
        `Invalid cluster.id in: ${metaPropertiesPath(path)}. Expected ${clusterId}, but read ${meta.clusterId}`,
        'The directory was formatted for another cluster: take it out of log.dirs, or empty it and format it with the id of this cluster.',
      );
    }
    if (meta.nodeId !== config.nodeId) {
      throw new DirectoryError(
        `Stored node id ${meta.nodeId} doesn't match previous node id ${config.nodeId} in ${metaPropertiesPath(path)}`,
        'If you moved your data, make sure your configured node id matches. ' +
          'If you intend to create a new node, you should remove all data in your data directories.',
      );
    }
  }
  return clusterId as string;
}

async function lockDirectory(fs: FileSystem, path: string): Promise<FileLock> {
  const lock = await fs.lock(`${path}/.lock`);
  if (lock !== null) return lock;
  throw new DirectoryError(
    `Failed to acquire lock on file .lock in ${path}. A Kafka instance in another process or thread is using this directory.`,
    'Stop the other process, or give this node directories of its own in log.dirs.',
  );
}
