/**
 * Reads the metadata log of one of our nodes. It reads a copy of the directory: opening LevelDB writes, and the node may have
 * it open.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { systemFileSystem } from '../../adapters/file-system.ts';
import { storeInMetadataDirectory } from '../../adapters/leveldb/raft-store.ts';
import { decodeSnapshot, type SnapshotFile } from '../../adapters/leveldb/snapshot-files.ts';
import { LaterReleaseError } from '../../base/later-release.ts';
import { MalformedError } from '../../base/protobuf.ts';
import { readMetaProperties } from '../../log/directories/meta-properties.ts';
import { DamagedStoreError } from '../../raft/store.ts';
import type { Entry } from '../../raft/types.ts';
import { ToolError } from '../tool.ts';

export interface OwnLog {
  readonly snapshot: SnapshotFile | null;
  /** All entries of the log, including those that are not committed. */
  readonly entries: readonly Entry[];
}

const logFolder = '__cluster_metadata-0';
const kept = [logFolder, 'raft.witness', 'meta.properties'];
/**
 * A copy that was made while the node was writing may be inconsistent. It is then made again, up to this number of attempts.
 */
const attempts = 3;

/**
 * Returns the metadata log directory that `path` means: `path` may be that directory or the folder `__cluster_metadata-0`,
 * `raft` or `raft-log` in it. Null when it is not a metadata log of ours.
 */
export function ownMetadataDirectory(path: string): string | null {
  const candidates = [path, dirname(path), dirname(dirname(path)), dirname(dirname(dirname(path)))];
  const root = candidates.find((one) => existsSync(join(one, logFolder, 'raft', 'raft-log')));
  if (root === undefined || !existsSync(path) || !statSync(path).isDirectory()) return null;
  const isMeant = path === root || [logFolder, 'raft', 'raft-log'].includes(basename(path));
  return isMeant ? root : null;
}

export async function readOwnLog(metadataDirectory: string): Promise<OwnLog> {
  for (let attempt = 1; ; attempt++) {
    const copy = mkdtempSync(join(tmpdir(), 'bendemann-metadata-'));
    try {
      return await readCopy(metadataDirectory, copy);
    } catch (error) {
      if (!(error instanceof DamagedStoreError) || attempt === attempts)
        throw readable(error, metadataDirectory);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }
}

async function readCopy(metadataDirectory: string, copy: string): Promise<OwnLog> {
  for (const name of kept) {
    const from = join(metadataDirectory, name);
    if (existsSync(from)) cpSync(from, join(copy, name), { recursive: true });
  }
  const meta = await readMetaProperties(systemFileSystem, copy);
  const id = meta?.directoryId;
  if (id === null || id === undefined)
    throw new ToolError(`${metadataDirectory} has no meta.properties with a directory.id.`);
  const store = storeInMetadataDirectory(systemFileSystem, { path: copy, id });
  const recovered = await store.open();
  try {
    const entries: Entry[] = [];
    for await (const some of recovered.entries) entries.push(...some);
    return { snapshot: await store.readSnapshot(), entries };
  } finally {
    await store.close();
  }
}

function readable(error: unknown, directory: string): unknown {
  if (error instanceof LaterReleaseError) return new ToolError(error.message);
  if (!(error instanceof DamagedStoreError)) return error;
  return new ToolError(
    `The metadata log in ${directory} can't be read: ${error.message} If its node is running, try again or stop it first.`,
  );
}

/**
 * Reads a snapshot file of ours. Returns null when the file is something else. Throws `ToolError` when it is damaged or of a
 * later release.
 */
export function readOwnSnapshot(path: string): SnapshotFile | null {
  const content = readFileSync(path);
  try {
    return decodeSnapshot(content);
  } catch (error) {
    if (error instanceof LaterReleaseError) throw new ToolError(`${path}: ${error.message}`);
    if (!(error instanceof MalformedError)) throw error;
    if (error.message === 'not a snapshot') return null;
    throw new ToolError(`${path}: ${error.message}`);
  }
}
