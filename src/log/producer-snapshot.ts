/**
 * Bytes of a producer snapshot (`<offset>.snapshot`): the state of all producers before that offset. Kafka's format,
 * which keeps only the last batch of each producer.
 */
import { crc32c } from '../protocol/records/crc32c.ts';

export interface ProducerSnapshotEntry {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly offsetDelta: number;
  readonly timestampMs: number;
  readonly coordinatorEpoch: number;
  /** -1: no transaction is open. */
  readonly currentTxnFirstOffset: number;
}

const version = 1;
const headerSize = 10;
const crcEnd = 6;
const entrySize = 46;

export function encodeProducerSnapshot(entries: readonly ProducerSnapshotEntry[]): Uint8Array {
  const bytes = Buffer.alloc(headerSize + entries.length * entrySize);
  bytes.writeInt16BE(version, 0);
  bytes.writeInt32BE(entries.length, crcEnd);
  let at = headerSize;
  for (const entry of entries) {
    bytes.writeBigInt64BE(BigInt(entry.producerId), at);
    bytes.writeInt16BE(entry.producerEpoch, at + 8);
    bytes.writeInt32BE(entry.lastSequence, at + 10);
    bytes.writeBigInt64BE(BigInt(entry.lastOffset), at + 14);
    bytes.writeInt32BE(entry.offsetDelta, at + 22);
    bytes.writeBigInt64BE(BigInt(entry.timestampMs), at + 26);
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34);
    bytes.writeBigInt64BE(BigInt(entry.currentTxnFirstOffset), at + 38);
    at += entrySize;
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(crcEnd)) >>> 0, 2);
  return bytes;
}

/** Null when the bytes are damaged: the snapshot is thrown away and the state rebuilt from the log. */
export function decodeProducerSnapshot(content: Uint8Array): ProducerSnapshotEntry[] | null {
  if (content.length < headerSize) return null;
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  if (bytes.readInt16BE(0) !== version) return null;
  if (crc32c(bytes.subarray(crcEnd)) >>> 0 !== bytes.readUInt32BE(2)) return null;
  const count = bytes.readInt32BE(crcEnd);
  if (count < 0 || bytes.length !== headerSize + count * entrySize) return null;
  const entries: ProducerSnapshotEntry[] = [];
  for (let at = headerSize; at < bytes.length; at += entrySize) {
    entries.push({
      producerId: Number(bytes.readBigInt64BE(at)),
      producerEpoch: bytes.readInt16BE(at + 8),
      lastSequence: bytes.readInt32BE(at + 10),
      lastOffset: Number(bytes.readBigInt64BE(at + 14)),
      offsetDelta: bytes.readInt32BE(at + 22),
      timestampMs: Number(bytes.readBigInt64BE(at + 26)),
      coordinatorEpoch: bytes.readInt32BE(at + 34),
      currentTxnFirstOffset: Number(bytes.readBigInt64BE(at + 38)),
    });
  }
  return entries;
}
