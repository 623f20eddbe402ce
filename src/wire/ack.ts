/**
 * A follower's acknowledgement on the replication stream: its type and its codec. The bytes are a `FollowerFrame` with an
 * `Ack`, as `proto/` defines them. Followers send very many of these messages, so the codec is written by hand: the generated
 * codec allocates several objects for each message. For bytes that it does not expect, the decoder returns null, and the
 * generated codec reads the message (`cursor.ts`).
 */
import { Buffer } from 'node:buffer';
import { varintBytes, writeVarint } from '../base/protobuf.ts';
import { Cursor, uint32Max } from './cursor.ts';

/** The log of one subscribed partition after the follower's append (`SlotAck` of proto/replication.proto). */
export interface SlotAck {
  readonly slot: number;
  readonly logEndOffset: number;
  readonly logStartOffset: number;
}

/** `Ack` of proto/replication.proto. */
export interface Ack {
  readonly type: 'ack';
  /** Pushes that the follower has handled since its last ack, and the bytes of their records. */
  readonly pushes: number;
  readonly creditBytes: number;
  readonly slots: readonly SlotAck[];
}

/** The tag of each field in protobuf's encoding: (field number << 3) | wire type. Wire type 0 is a varint, 2 has a length. */
const tags = {
  /** FollowerFrame.ack. */
  ack: (5 << 3) | 2,
  pushes: (1 << 3) | 0,
  creditBytes: (2 << 3) | 0,
  slots: (3 << 3) | 2,
  /** Fields of SlotAck. */
  slot: (1 << 3) | 0,
  logEndOffset: (2 << 3) | 0,
  logStartOffset: (3 << 3) | 0,
};

function slotBytes({ slot, logEndOffset, logStartOffset }: SlotAck): number {
  return 3 + varintBytes(slot) + varintBytes(logEndOffset) + varintBytes(logStartOffset);
}

export function encodeAck({ pushes, creditBytes, slots }: Ack): Uint8Array {
  let ackBytes = 2 + varintBytes(pushes) + varintBytes(creditBytes);
  for (const acked of slots) {
    const sizeBytes = slotBytes(acked);
    ackBytes += 1 + varintBytes(sizeBytes) + sizeBytes;
  }
  const bytes = Buffer.allocUnsafe(1 + varintBytes(ackBytes) + ackBytes);
  bytes[0] = tags.ack;
  let at = writeVarint(bytes, 1, ackBytes);
  bytes[at++] = tags.pushes;
  at = writeVarint(bytes, at, pushes);
  bytes[at++] = tags.creditBytes;
  at = writeVarint(bytes, at, creditBytes);
  for (const acked of slots) at = writeSlot(bytes, at, acked);
  return bytes;
}

function writeSlot(bytes: Uint8Array, from: number, acked: SlotAck): number {
  let at = from;
  bytes[at++] = tags.slots;
  at = writeVarint(bytes, at, slotBytes(acked));
  bytes[at++] = tags.slot;
  at = writeVarint(bytes, at, acked.slot);
  bytes[at++] = tags.logEndOffset;
  at = writeVarint(bytes, at, acked.logEndOffset);
  bytes[at++] = tags.logStartOffset;
  return writeVarint(bytes, at, acked.logStartOffset);
}

/** Returns null when the generated codec has to read the message. */
export function decodeAck(bytes: Uint8Array): Ack | null {
  const cursor = new Cursor(bytes, 0);
  if (!cursor.enterFrame(tags.ack)) return null;
  let pushes = 0;
  let creditBytes = 0;
  const slots: SlotAck[] = [];
  while (cursor.at < bytes.length) {
    const tag = bytes[cursor.at++];
    if (tag === tags.slots) {
      const slot = readSlot(cursor, cursor.fieldEnd(bytes.length));
      if (slot === null) return null;
      slots.push(slot);
    } else if (tag === tags.pushes) pushes = cursor.varint();
    else if (tag === tags.creditBytes) creditBytes = cursor.varint();
    else return null;
    if (pushes < 0 || pushes > uint32Max || creditBytes < 0) return null;
  }
  return { type: 'ack', pushes, creditBytes, slots };
}

function readSlot(cursor: Cursor, end: number): SlotAck | null {
  let slot = 0;
  let logEndOffset = 0;
  let logStartOffset = 0;
  while (cursor.at < end) {
    const tag = cursor.bytes[cursor.at++];
    const value = cursor.varint();
    if (value < 0) return null;
    if (tag === tags.slot) slot = value;
    else if (tag === tags.logEndOffset) logEndOffset = value;
    else if (tag === tags.logStartOffset) logStartOffset = value;
    else return null;
  }
  return cursor.at === end && slot <= uint32Max ? { slot, logEndOffset, logStartOffset } : null;
}
