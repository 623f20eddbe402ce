/**
 * The values in LevelDB: frames, which contain log entries, and the hard state. LevelDB skips damaged parts of its own log
 * without an error, so a frame may be missing without notice. Therefore each value has a CRC, each frame also has the CRC of
 * the frame before it, and the hard state has the CRC of the last frame. A missing frame breaks this chain.
 *
 *   version (1 byte) | crc32c (4 bytes, over what follows) | message Frame or HardState of proto/storage.proto
 *
 * This release writes version 2 and can also read version 1, whose fields had no numbers. It skips fields that a later release
 * has added. A value with a later version, or an entry of an unknown kind, is refused with a `LaterReleaseError`. Every version
 * has the CRC at the same place, so such a value can be told from a damaged one.
 */
import { crc32c } from '../../base/crc32c.ts';
import { nodeId } from '../../base/ids.ts';
import { LaterReleaseError } from '../../base/later-release.ts';
import { MalformedError, ProtoReader, ProtoWriter } from '../../base/protobuf.ts';
import { isUuid } from '../../base/uuid.ts';
import { FixedReader } from '../../raft/fixed-reader.ts';
import type { Entry, EntryKind, HardState, ReplicaKey } from '../../raft/types.ts';

const version = 2;
const firstVersion = 1;
const crcAt = 1;
const crcEnd = 5;
const kinds: readonly EntryKind[] = ['data', 'leaderChange', 'voters'];

export interface Frame {
  readonly firstOffset: number;
  /** The epoch of the entry before the first one of this frame. */
  readonly previousEpoch: number;
  /**
   * The number of the write that wrote this frame. It is never larger than the `generation` in the hard state, which is the
   * number of the last write.
   */
  readonly generation: number;
  /** The CRC of the frame before. 0 for the first frame of a log, also after a snapshot has replaced the log. */
  readonly chain: number;
  readonly entries: readonly Entry[];
}

export interface StoredHardState {
  readonly hardState: HardState;
  readonly generation: number;
  readonly startOffset: number;
  readonly startEpoch: number;
  readonly endOffset: number;
  /** The CRC of the last frame; 0 when there is none. */
  readonly chain: number;
}

function seal(content: Uint8Array): { bytes: Uint8Array; crc: number } {
  const bytes = new Uint8Array(crcEnd + content.length);
  bytes[0] = version;
  bytes.set(content, crcEnd);
  const crc = crc32c(bytes, 0, crcEnd);
  new DataView(bytes.buffer).setUint32(crcAt, crc);
  return { bytes, crc };
}

function unseal(bytes: Uint8Array): { found: number; crc: number } {
  const reader = new FixedReader(bytes);
  const found = reader.u8();
  const crc = reader.u32();
  if (crc !== crc32c(bytes, 0, crcEnd)) throw new MalformedError('a record does not match its checksum');
  if (found === 0) throw new MalformedError('a record has version 0');
  if (found > version)
    throw new LaterReleaseError(`a record has version ${found}, known are 1 to ${version}`);
  return { found, crc };
}

export function encodeFrame(frame: Frame): { bytes: Uint8Array; crc: number } {
  const writer = new ProtoWriter(4096);
  writer.uint(1, frame.firstOffset);
  writer.uint(2, frame.previousEpoch);
  writer.uint(3, frame.generation);
  writer.fixed32(4, frame.chain);
  for (const entry of frame.entries) writer.message(5, encodeEntry(entry));
  return seal(writer.finish());
}

/** Throws `MalformedError` when the bytes are damaged, `LaterReleaseError` for an unknown version or kind of entry. */
export function decodeFrame(bytes: Uint8Array): Frame & { readonly crc: number } {
  const { found, crc } = unseal(bytes);
  const frame = found === firstVersion ? firstFrame(bytes) : decodeContent(bytes.subarray(crcEnd));
  if (frame.entries.length === 0) throw new MalformedError('a frame without entries');
  return { ...frame, crc };
}

function decodeContent(bytes: Uint8Array): Frame {
  const frame = { firstOffset: 0, previousEpoch: 0, generation: 0, chain: 0 };
  const entries: Uint8Array[] = [];
  new ProtoReader(bytes).fields({
    1: (reader) => {
      frame.firstOffset = reader.uint();
    },
    2: (reader) => {
      frame.previousEpoch = reader.uint();
    },
    3: (reader) => {
      frame.generation = reader.uint();
    },
    4: (reader) => {
      frame.chain = reader.fixed32();
    },
    5: (reader) => entries.push(reader.bytes()),
  });
  const { firstOffset } = frame;
  return { ...frame, entries: entries.map((entry, index) => decodeEntry(entry, firstOffset + index)) };
}

function encodeEntry(entry: Entry): Uint8Array {
  const writer = new ProtoWriter(entry.payload.length + 64);
  writer.uint(1, entry.epoch);
  writer.uint(2, kinds.indexOf(entry.kind));
  writer.uint(3, entry.appendedMs);
  writer.bytes(4, entry.payload);
  return writer.finish();
}

function decodeEntry(bytes: Uint8Array, offset: number): Entry {
  const fields = { epoch: 0, kind: 0, appendedMs: 0, payload: bytes.subarray(0, 0) };
  new ProtoReader(bytes).fields({
    1: (reader) => {
      fields.epoch = reader.uint();
    },
    2: (reader) => {
      fields.kind = reader.uint();
    },
    3: (reader) => {
      fields.appendedMs = reader.uint();
    },
    4: (reader) => {
      fields.payload = reader.bytes();
    },
  });
  const kind = kinds[fields.kind];
  if (kind === undefined)
    throw new LaterReleaseError(`the entry at offset ${offset} has the unknown kind ${fields.kind}`);
  return { offset, epoch: fields.epoch, kind, payload: fields.payload, appendedMs: fields.appendedMs };
}

function firstFrame(bytes: Uint8Array): Frame {
  const reader = new FixedReader(bytes, crcEnd);
  const firstOffset = reader.i64();
  const previousEpoch = reader.i64();
  const generation = reader.i64();
  const chain = reader.u32();
  const entries = reader.entries(firstOffset);
  if (reader.remaining !== 0) throw new MalformedError('a frame has the wrong length');
  return { firstOffset, previousEpoch, generation, chain, entries };
}

export function encodeHardState(record: StoredHardState): Uint8Array {
  const { hardState } = record;
  const writer = new ProtoWriter();
  writer.uint(1, hardState.epoch);
  if (hardState.votedFor !== null) {
    const vote = new ProtoWriter();
    vote.uint(1, hardState.votedFor.id);
    vote.text(2, hardState.votedFor.directoryId);
    writer.message(2, vote.finish());
  }
  writer.uint(3, hardState.highWatermark);
  writer.uint(4, record.generation);
  writer.uint(5, record.startOffset);
  writer.uint(6, record.startEpoch);
  writer.uint(7, record.endOffset);
  writer.fixed32(8, record.chain);
  return seal(writer.finish()).bytes;
}

/** Throws `MalformedError` when the bytes are damaged, `LaterReleaseError` for an unknown version. */
export function decodeHardState(bytes: Uint8Array): StoredHardState {
  const { found } = unseal(bytes);
  if (found === firstVersion) return firstHard(bytes);
  const numbers = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  let votedFor: ReplicaKey | null = null;
  const number =
    (field: number) =>
    (reader: ProtoReader): void => {
      numbers[field] = reader.uint();
    };
  new ProtoReader(bytes.subarray(crcEnd)).fields({
    1: number(1),
    2: (reader) => {
      votedFor = decodeVote(reader.bytes());
    },
    3: number(3),
    4: number(4),
    5: number(5),
    6: number(6),
    7: number(7),
    8: (reader) => {
      numbers[8] = reader.fixed32();
    },
  });
  const [, epoch = 0, , highWatermark = 0, generation = 0] = numbers;
  const [startOffset = 0, startEpoch = 0, endOffset = 0, chain = 0] = numbers.slice(5);
  return {
    hardState: { epoch, votedFor, highWatermark },
    generation,
    startOffset,
    startEpoch,
    endOffset,
    chain,
  };
}

function decodeVote(bytes: Uint8Array): ReplicaKey {
  let id = 0;
  let directoryId = '';
  new ProtoReader(bytes).fields({
    1: (reader) => {
      id = reader.uint();
    },
    2: (reader) => {
      directoryId = reader.text();
    },
  });
  if (!isUuid(directoryId)) throw new MalformedError('a vote has no directory id');
  return { id: nodeId(id), directoryId };
}

function firstHard(bytes: Uint8Array): StoredHardState {
  const reader = new FixedReader(bytes, crcEnd);
  const epoch = reader.i64();
  const voted = reader.replica();
  const highWatermark = reader.i64();
  const hardState = { epoch, votedFor: voted.id < 0 ? null : voted, highWatermark };
  return {
    hardState,
    generation: reader.i64(),
    startOffset: reader.i64(),
    startEpoch: reader.i64(),
    endOffset: reader.i64(),
    chain: reader.u32(),
  };
}
