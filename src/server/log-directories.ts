/**
 * What must be true of the log directories before anything in them is touched: they are formatted, for this cluster and
 * this node, and no other process uses them.
 */
import type { FileLock, FileSystem } from '../base/file-system.ts';
import { randomUuid, type Uuid } from '../base/uuid.ts';
import type { Random } from '../base/random.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { type MetaProperties, metaPropertiesPath, readMetaProperties } from '../log/meta-properties.ts';
import type { Logger } from '../telemetry/logger.ts';

/** The directories are not ours to use. Its message says why, in Kafka's words. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
}

export interface FormattedDirectory {
  readonly path: string;
  readonly id: Uuid;
}

export interface ClaimedDirectories {
  readonly clusterId: string;
  readonly logDirs: readonly FormattedDirectory[];
  /** Where the metadata log is; one of `logDirs` or a directory of its own. */
  readonly metadataDir: FormattedDirectory;
  release(): Promise<void>;
}

export interface ClaimOptions {
  readonly config: NodeConfig;
  readonly fs: FileSystem;
  readonly random: Random;
  readonly logger: Logger;
}

/** Checks and locks every directory of the configuration. Throws `DirectoryError`. */
export async function claimDirectories(options: ClaimOptions): Promise<ClaimedDirectories> {
  const { config, fs } = options;
  const paths = [...new Set([...config.logDirs, config.metadataLogDir])];
  const metas = await readAll(options, paths);
  const clusterId = checkTogether(config, metas);
  const locks: FileLock[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(locks.splice(0).map((lock) => lock.release()));
  };
  try {
    for (const path of paths) locks.push(await lockDirectory(fs, path));
  } catch (error) {
    await release();
    throw error;
  }
  const ids = new Map(
    [...metas].map(([path, meta]) => [path, meta.directoryId ?? randomUuid(options.random)] as const),
  );
  const formatted = (path: string): FormattedDirectory => ({ path, id: ids.get(path) as Uuid });
  return {
    clusterId,
    logDirs: config.logDirs.map(formatted),
    metadataDir: formatted(config.metadataLogDir),
    release,
  };
}

async function readAll(
  { fs, logger }: ClaimOptions,
  paths: readonly string[],
): Promise<Map<string, MetaProperties>> {
  const metas = new Map<string, MetaProperties>();
  const unformatted: string[] = [];
  for (const path of paths) {
    try {
      const meta = await readMetaProperties(fs, path);
      if (meta === null) unformatted.push(path);
      else metas.set(path, meta);
    } catch (error) {
      logger.error(
        `Error while reading meta.properties file ${metaPropertiesPath(path)}: ${(error as Error).message}`,
      );
      unformatted.push(path);
    }
  }
  if (metas.size === 0) throw new DirectoryError('No readable meta.properties files found.');
  const [first] = unformatted;
  if (first !== undefined) {
    throw new DirectoryError(
      `No \`meta.properties\` found in ${first} (have you run \`kafka-storage.sh\` to format the directory?)`,
    );
  }
  return metas;
}

/** All directories belong to one cluster and to this node; returns the cluster's id. */
function checkTogether(config: NodeConfig, metas: ReadonlyMap<string, MetaProperties>): string {
  let clusterId: string | null = null;
  for (const [path, meta] of metas) {
    clusterId ??= meta.clusterId;
    if (meta.clusterId !== clusterId) {
      throw new DirectoryError(
        `Invalid cluster.id in: ${metaPropertiesPath(path)}. Expected ${clusterId}, but read ${meta.clusterId}`,
      );
    }
    if (meta.nodeId !== config.nodeId) {
      throw new DirectoryError(
        `Stored node id ${meta.nodeId} doesn't match previous node id ${config.nodeId} in ${metaPropertiesPath(path)}. ` +
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
  );
}
