/**
 * Snapshots as files `<end offset, 20 digits>-<epoch, 10 digits>.checkpoint`, named as Kafka names them; the content is
 * ours: header, state, CRC-32C over both. A file is there whole or not at all: temporary name, sync, rename, sync of the
 * directory. The newest two are kept.
 */
import { crc32c } from '../../base/crc32c.ts';
import type { FileSystem } from '../../base/file-system.ts';
import { ByteReader, ByteWriter, MalformedError } from '../../raft/bytes.ts';
import type { SnapshotMeta } from '../../raft/types.ts';

const magic = 0x42534e50;
const version = 1;
const keptCount = 2;
const namePattern = /^(\d{20})-(\d{10})\.checkpoint$/;

export interface SnapshotFile {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

function fileName(endOffset: number, epoch: number): string {
  return `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`;
}

export async function writeSnapshot(
  fs: FileSystem,
  directory: string,
  meta: SnapshotMeta,
  bytes: Uint8Array,
): Promise<void> {
  const writer = new ByteWriter(256);
  writer.u32(magic);
  writer.u8(version);
  writer.i64(meta.endOffset);
  writer.i64(meta.epoch);
  writer.voters(meta.voters);
  writer.u32(bytes.length);
  const header = writer.finish();
  const trailer = new ByteWriter(4);
  trailer.u32(crc32c(bytes, crc32c(header)));
  const path = `${directory}/${fileName(meta.endOffset, meta.epoch)}`;
  const temporary = `${path}.tmp`;
  await fs.remove(temporary);
  const file = await fs.open(temporary, 'write');
  try {
    await file.write([header, bytes, trailer.finish()], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fs.rename(temporary, path);
  await fs.syncDirectory(directory);
  await removeOld(fs, directory);
}

/** What the name of a file says. */
export type SnapshotPosition = Pick<SnapshotMeta, 'endOffset' | 'epoch'>;

async function list(fs: FileSystem, directory: string): Promise<(SnapshotPosition & { name: string })[]> {
  const files = [];
  for (const name of await fs.list(directory)) {
    const match = namePattern.exec(name);
    if (match !== null) files.push({ name, endOffset: Number(match[1]), epoch: Number(match[2]) });
  }
  return files.sort((a, b) => b.endOffset - a.endOffset);
}

async function removeOld(fs: FileSystem, directory: string): Promise<void> {
  for (const file of (await list(fs, directory)).slice(keptCount))
    await fs.remove(`${directory}/${file.name}`);
}

/** Throws `MalformedError`. */
export function decodeSnapshot(content: Uint8Array): SnapshotFile {
  const reader = new ByteReader(content);
  if (reader.u32() !== magic) throw new MalformedError('not a snapshot');
  const found = reader.u8();
  if (found !== version) throw new MalformedError(`a snapshot of version ${found}, known is ${version}`);
  const endOffset = reader.i64();
  const epoch = reader.i64();
  const voters = reader.voters();
  const bytes = reader.bytes();
  const crc = crc32c(content, 0, 0, reader.at);
  if (reader.u32() !== crc) throw new MalformedError('a snapshot does not match its checksum');
  return { meta: { endOffset, epoch, voters }, bytes };
}

/** The newest whole snapshot that goes with the log (`isOurs`), and what is wrong with those that were passed over. */
export async function newestSnapshot(
  fs: FileSystem,
  directory: string,
  isOurs: (position: SnapshotPosition) => boolean | Promise<boolean>,
): Promise<{ snapshot: SnapshotFile | null; problems: string[] }> {
  const problems: string[] = [];
  for (const { name, endOffset, epoch } of await list(fs, directory)) {
    if (!(await isOurs({ endOffset, epoch }))) continue;
    try {
      const snapshot = decodeSnapshot(await fs.readFile(`${directory}/${name}`));
      const isNamedSo = snapshot.meta.endOffset === endOffset && snapshot.meta.epoch === epoch;
      if (isNamedSo) return { snapshot, problems };
      problems.push(`${name}: the content is of another snapshot`);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      problems.push(`${name}: ${error.message}`);
    }
  }
  return { snapshot: null, problems };
}
