/**
 * The hot path: the bytes of a LeaderFrame with a Push, written without the generated codec, which would copy the records twice
 * (into messages of its own, then into the frame). Any protobuf reader reads them (test/wire/push.test.ts).
 */
import { Buffer } from 'node:buffer';
import { varintBytes, writeVarint } from '../base/protobuf.ts';

/** As `PushEntry` of proto/replication.proto; `records` come in any number of pieces and leave as one. */
export interface PushEntry {
  readonly slot: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly records: readonly Uint8Array[];
}

/** Field number and wire type, as one byte. */
const tags = {
  /** LeaderFrame.push and Push.entries. */
  push: (2 << 3) | 2,
  entries: (1 << 3) | 2,
  slot: (1 << 3) | 0,
  highWatermark: (2 << 3) | 0,
  logStartOffset: (3 << 3) | 0,
  records: (4 << 3) | 2,
};

function recordsBytes(entry: PushEntry): number {
  let sizeBytes = 0;
  for (const piece of entry.records) sizeBytes += piece.length;
  return sizeBytes;
}

function entryBytes(entry: PushEntry, recordBytes: number): number {
  const numbers =
    3 + varintBytes(entry.slot) + varintBytes(entry.highWatermark) + varintBytes(entry.logStartOffset);
  return recordBytes === 0 ? numbers : numbers + 1 + varintBytes(recordBytes) + recordBytes;
}

/** Copies the records once, into the frame. */
export function encodePush(entries: readonly PushEntry[]): Uint8Array {
  let pushBytes = 0;
  for (const entry of entries) {
    const sizeBytes = entryBytes(entry, recordsBytes(entry));
    pushBytes += 1 + varintBytes(sizeBytes) + sizeBytes;
  }
  const bytes = Buffer.allocUnsafe(1 + varintBytes(pushBytes) + pushBytes);
  bytes[0] = tags.push;
  let at = writeVarint(bytes, 1, pushBytes);
  for (const entry of entries) at = writeEntry(bytes, at, entry);
  return bytes;
}

function writeEntry(bytes: Uint8Array, from: number, entry: PushEntry): number {
  const recordBytes = recordsBytes(entry);
  let at = from;
  bytes[at++] = tags.entries;
  at = writeVarint(bytes, at, entryBytes(entry, recordBytes));
  bytes[at++] = tags.slot;
  at = writeVarint(bytes, at, entry.slot);
  bytes[at++] = tags.highWatermark;
  at = writeVarint(bytes, at, entry.highWatermark);
  bytes[at++] = tags.logStartOffset;
  at = writeVarint(bytes, at, entry.logStartOffset);
  if (recordBytes === 0) return at;
  bytes[at++] = tags.records;
  at = writeVarint(bytes, at, recordBytes);
  for (const piece of entry.records) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return at;
}
