/**
 * A leader's push of records on the replication stream: its type and its codec. The bytes are a `LeaderFrame` with a `Push`, as
 * `proto/` defines them. All replicated records pass through here, so the codec is written by hand: the generated codec copies
 * the records twice to encode them, and allocates several objects for each message to decode it. For bytes that it does not
 * expect, the decoder returns null, and the generated codec reads the message (`cursor.ts`).
 */
import { Buffer } from 'node:buffer';
import { varintBytes, writeVarint } from '../base/protobuf.ts';
import { Cursor, uint32Max } from './cursor.ts';

/**
 * `PushEntry` of proto/replication.proto. `records` may have several pieces; they are sent as one field, so a receiver gets
 * one.
 */
export interface PushEntry {
  readonly slot: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly records: readonly Uint8Array[];
}

/** `Push` of proto/replication.proto. */
export interface Push {
  readonly type: 'push';
  readonly entries: readonly PushEntry[];
}

/** The tag of each field in protobuf's encoding: (field number << 3) | wire type. Wire type 0 is a varint, 2 has a length. */
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
export function encodePush({ entries }: Push): Uint8Array {
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

/** The records are views of `bytes`. Returns null when the generated codec has to read the message. */
export function decodePush(bytes: Uint8Array): Push | null {
  const cursor = new Cursor(bytes, 0);
  if (!cursor.enterFrame(tags.push)) return null;
  const entries: PushEntry[] = [];
  while (cursor.at < bytes.length) {
    if (bytes[cursor.at++] !== tags.entries) return null;
    const entry = readEntry(cursor, cursor.fieldEnd(bytes.length));
    if (entry === null) return null;
    entries.push(entry);
  }
  return { type: 'push', entries };
}

function readEntry(cursor: Cursor, end: number): PushEntry | null {
  const { bytes } = cursor;
  let slot = 0;
  let highWatermark = 0;
  let logStartOffset = 0;
  const records: Uint8Array[] = [];
  while (cursor.at < end) {
    const tag = bytes[cursor.at++];
    if (tag === tags.records) {
      const recordsEnd = cursor.fieldEnd(end);
      if (recordsEnd < 0) return null;
      records.push(bytes.subarray(cursor.at, recordsEnd));
      cursor.at = recordsEnd;
      continue;
    }
    const value = cursor.varint();
    if (value < 0) return null;
    if (tag === tags.slot) slot = value;
    else if (tag === tags.highWatermark) highWatermark = value;
    else if (tag === tags.logStartOffset) logStartOffset = value;
    else return null;
  }
  if (cursor.at !== end || slot > uint32Max) return null;
  return { slot, highWatermark, logStartOffset, records };
}
