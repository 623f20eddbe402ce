/**
 * Snapshots as files. They are named as Kafka's, `<end offset, 20 digits>-<epoch, 10 digits>.checkpoint`. The content is our
 * own format; the numbers are sizes in bytes:
 *
 *   magic 4 | version 1 | header length 4 | message SnapshotHeader of proto/storage.proto | state | crc32c 4 over all before it
 *
 * Version 1, which release 0.1 wrote, can still be read. Every version ends with the CRC, so a file of a later version can be
 * told from a damaged one. After a crash a file is complete or does not exist: it is written under a temporary name, synced and
 * renamed, and then the directory is synced. The newest two snapshots are kept.
 */
import { crc32c } from '../../base/crc32c.ts';
import type { FileSystem } from '../../base/file-system.ts';
import { LaterReleaseError, located } from '../../base/later-release.ts';
import { MalformedError, ProtoReader, ProtoWriter } from '../../base/protobuf.ts';
import { FixedReader } from '../../raft/fixed-reader.ts';
import type { SnapshotMeta, Voter } from '../../raft/types.ts';
import { decodeVoter, encodeVoter } from '../../raft/voter-set.ts';

const magic = 0x42534e50;
const version = 2;
const firstVersion = 1;
const prefixBytes = 9;
const crcBytes = 4;
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
  const header = encodeHeader(meta, bytes.length);
  const trailer = new Uint8Array(crcBytes);
  new DataView(trailer.buffer).setUint32(0, crc32c(bytes, crc32c(header)));
  const path = `${directory}/${fileName(meta.endOffset, meta.epoch)}`;
  const temporary = `${path}.tmp`;
  await fs.remove(temporary);
  const file = await fs.open(temporary, 'write');
  try {
    await file.write([header, bytes, trailer], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fs.rename(temporary, path);
  await fs.syncDirectory(directory);
  await removeOld(fs, directory);
}

/** The position of a snapshot in the log, as its file name has it. */
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

function encodeHeader(meta: SnapshotMeta, sizeBytes: number): Uint8Array {
  const writer = new ProtoWriter(256);
  writer.uint(1, meta.endOffset);
  writer.uint(2, meta.epoch);
  for (const voter of meta.voters) writer.message(3, encodeVoter(voter));
  writer.uint(4, sizeBytes);
  const message = writer.finish();
  const header = new Uint8Array(prefixBytes + message.length);
  const view = new DataView(header.buffer);
  view.setUint32(0, magic);
  view.setUint8(4, version);
  view.setUint32(5, message.length);
  header.set(message, prefixBytes);
  return header;
}

/** Throws `MalformedError` when the content is damaged, `LaterReleaseError` for an unknown version. */
export function decodeSnapshot(content: Uint8Array): SnapshotFile {
  const reader = new FixedReader(content);
  if (reader.u32() !== magic) throw new MalformedError('not a snapshot');
  const found = reader.u8();
  if (found === firstVersion) return firstSnapshot(content, reader);
  if (found !== version) {
    const end = content.length - crcBytes;
    checkCrc(content, end, new FixedReader(content, end).u32());
    throw new LaterReleaseError(`a snapshot has version ${found}, known are ${firstVersion} and ${version}`);
  }
  const { meta, sizeBytes } = decodeHeader(reader.bytes());
  const end = reader.at + sizeBytes;
  if (end > content.length) throw new MalformedError('a snapshot ends too early');
  checkCrc(content, end, new FixedReader(content, end).u32());
  return { meta, bytes: content.subarray(reader.at, end) };
}

function decodeHeader(bytes: Uint8Array): { meta: SnapshotMeta; sizeBytes: number } {
  const header = { endOffset: 0, epoch: 0, sizeBytes: 0 };
  const voters: Voter[] = [];
  new ProtoReader(bytes).fields({
    1: (reader) => {
      header.endOffset = reader.uint();
    },
    2: (reader) => {
      header.epoch = reader.uint();
    },
    3: (reader) => voters.push(decodeVoter(reader.bytes())),
    4: (reader) => {
      header.sizeBytes = reader.uint();
    },
  });
  const { endOffset, epoch, sizeBytes } = header;
  return { meta: { endOffset, epoch, voters }, sizeBytes };
}

function firstSnapshot(content: Uint8Array, reader: FixedReader): SnapshotFile {
  const endOffset = reader.i64();
  const epoch = reader.i64();
  const voters = reader.voters();
  const bytes = reader.bytes();
  const end = reader.at;
  checkCrc(content, end, reader.u32());
  return { meta: { endOffset, epoch, voters }, bytes };
}

function checkCrc(content: Uint8Array, end: number, stored: number): void {
  if (stored !== crc32c(content, 0, 0, end))
    throw new MalformedError('a snapshot does not match its checksum');
}

/**
 * Returns the newest undamaged snapshot that `matchesLog` accepts, and what is wrong with newer ones that it also accepts.
 * Throws `LaterReleaseError` when a later release has written one of these: the log may begin where this snapshot ends.
 */
export async function newestSnapshot(
  fs: FileSystem,
  directory: string,
  matchesLog: (position: SnapshotPosition) => boolean | Promise<boolean>,
): Promise<{ snapshot: SnapshotFile | null; problems: string[] }> {
  const problems: string[] = [];
  for (const { name, endOffset, epoch } of await list(fs, directory)) {
    if (!(await matchesLog({ endOffset, epoch }))) continue;
    try {
      const snapshot = decodeSnapshot(await fs.readFile(`${directory}/${name}`));
      const isNamedSo = snapshot.meta.endOffset === endOffset && snapshot.meta.epoch === epoch;
      if (isNamedSo) return { snapshot, problems };
      problems.push(`${name}: the content is of another snapshot`);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw located(`${directory}/${name}`, error);
      problems.push(`${name}: ${error.message}`);
    }
  }
  return { snapshot: null, problems };
}
