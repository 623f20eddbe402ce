/**
 * The values in LevelDB: frames of log entries and the hard state. LevelDB skips damaged pieces of its log in silence, so
 * everything here carries its own CRC, each frame that of the frame before it, and the hard state the end of the chain.
 *
 * frame:      version 1 | crc32c 4 | first offset 8 | previous epoch 8 | generation 8 | chain 4 | count 4 | entries
 * hard state: version 1 | crc32c 4 | epoch 8 | voted for 4 + 16 | high watermark 8 | generation 8 |
 *             start offset 8 | start epoch 8 | end offset 8 | chain 4
 * A CRC covers what follows it.
 */
import { crc32c } from '../../base/crc32c.ts';
import { uuidZero } from '../../base/uuid.ts';
import { nodeId } from '../../base/ids.ts';
import { ByteReader, ByteWriter, MalformedError } from '../../raft/bytes.ts';
import type { Entry, HardState } from '../../raft/types.ts';
import { readEntries, writeEntries } from '../../raft/wire.ts';

const version = 1;
const crcEnd = 5;

export interface Frame {
  readonly firstOffset: number;
  /** Epoch of the entry before the first. */
  readonly previousEpoch: number;
  /** The write that made the frame; at most the hard state's. */
  readonly generation: number;
  /** CRC of the frame before; 0 for the first after a reset. */
  readonly chain: number;
  readonly entries: readonly Entry[];
}

export interface HardRecord {
  readonly hardState: HardState;
  readonly generation: number;
  readonly startOffset: number;
  readonly startEpoch: number;
  readonly endOffset: number;
  /** CRC of the last frame; 0 when there is none. */
  readonly chain: number;
}

function seal(writer: ByteWriter): { bytes: Uint8Array; crc: number } {
  const bytes = writer.finish();
  const crc = crc32c(bytes, 0, crcEnd);
  writer.patchU32(1, crc);
  return { bytes, crc };
}

function unseal(bytes: Uint8Array): { reader: ByteReader; crc: number } {
  const reader = new ByteReader(bytes);
  const found = reader.u8();
  if (found !== version) throw new MalformedError(`a record has version ${found}, known is ${version}`);
  const crc = reader.u32();
  if (crc !== crc32c(bytes, 0, crcEnd)) throw new MalformedError('a record does not match its checksum');
  return { reader, crc };
}

export function encodeFrame(frame: Frame): { bytes: Uint8Array; crc: number } {
  const writer = new ByteWriter(4096);
  writer.u8(version);
  writer.u32(0);
  writer.i64(frame.firstOffset);
  writer.i64(frame.previousEpoch);
  writer.i64(frame.generation);
  writer.u32(frame.chain);
  writeEntries(writer, frame.entries);
  return seal(writer);
}

/** Throws `MalformedError`. */
export function decodeFrame(bytes: Uint8Array): Frame & { readonly crc: number } {
  const { reader, crc } = unseal(bytes);
  const firstOffset = reader.i64();
  const previousEpoch = reader.i64();
  const generation = reader.i64();
  const chain = reader.u32();
  const entries = readEntries(reader, firstOffset);
  if (reader.remaining !== 0 || entries.length === 0)
    throw new MalformedError('a frame has the wrong length');
  return { firstOffset, previousEpoch, generation, chain, entries, crc };
}

export function encodeHard(record: HardRecord): Uint8Array {
  const { hardState } = record;
  const writer = new ByteWriter(96);
  writer.u8(version);
  writer.u32(0);
  writer.i64(hardState.epoch);
  writer.replica(hardState.votedFor ?? { id: nodeId(-1), directoryId: uuidZero });
  writer.i64(hardState.highWatermark);
  writer.i64(record.generation);
  writer.i64(record.startOffset);
  writer.i64(record.startEpoch);
  writer.i64(record.endOffset);
  writer.u32(record.chain);
  return seal(writer).bytes;
}

/** Throws `MalformedError`. */
export function decodeHard(bytes: Uint8Array): HardRecord {
  const { reader } = unseal(bytes);
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
