/**
 * The binary form of messages between replicas: one version byte, one kind byte, fields in order. Snapshots do not pass
 * here: the transport cuts them up (`server/raft`). Version 1 is the first; a reader refuses what it doesn't know.
 */
import { type NodeId, nodeId } from '../base/ids.ts';
import { ByteReader, ByteWriter, MalformedError, votersMax } from './bytes.ts';
import type { Entry } from './types.ts';
import type { AppendRequest, RaftMessage, VoteRequest } from './messages.ts';

export const wireVersion = 1;
const entriesMax = 1_000_000;
const entrySizeBytesMin = 21;

const kindOf: Record<Exclude<RaftMessage['type'], 'snapshot'>, number> = {
  vote: 1,
  voted: 2,
  append: 3,
  appended: 4,
  heartbeat: 5,
  alive: 6,
  timeoutNow: 7,
  resign: 8,
  join: 9,
};

export type WireMessage = Exclude<RaftMessage, { type: 'snapshot' }>;

export function encodeMessage(message: WireMessage): Uint8Array {
  const writer = new ByteWriter(message.type === 'append' ? 64 + appendSizeBytes(message) : 64);
  writer.u8(wireVersion);
  writer.u8(kindOf[message.type]);
  writer.i64(message.epoch);
  switch (message.type) {
    case 'vote':
      writer.u8((message.preVote ? 1 : 0) | (message.transfer ? 2 : 0));
      writer.i64(message.logEndOffset);
      writer.i64(message.lastEpoch);
      writer.u32(message.nonce);
      break;
    case 'voted':
      writer.u8((message.preVote ? 1 : 0) | (message.granted ? 2 : 0));
      writer.u32(message.nonce);
      break;
    case 'append':
      writeAppend(writer, message);
      break;
    case 'appended':
      writer.u8(message.accepted ? 1 : 0);
      writer.i64(message.baseOffset);
      writer.i64(message.endOffset);
      writer.i64(message.endEpoch);
      break;
    case 'heartbeat':
      writer.uuid(message.directoryId);
      writer.i64(message.match);
      writer.i64(message.highWatermark);
      writer.u8(message.reply ? 1 : 0);
      writer.i64(message.round);
      break;
    case 'alive':
      writer.i64(message.round);
      break;
    case 'resign':
      writer.u32(message.successors.length);
      for (const id of message.successors) writer.i32(id);
      break;
    case 'join':
      writer.replica(message.replica);
      writer.endpoints(message.endpoints);
      break;
    case 'timeoutNow':
      break;
  }
  return writer.finish();
}

/** Throws `MalformedError`. Payloads are views of `bytes`. */
export function decodeMessage(bytes: Uint8Array): WireMessage {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== wireVersion)
    throw new MalformedError(`Raft message of version ${version}, known is ${wireVersion}`);
  const kind = reader.u8();
  const epoch = reader.i64();
  const message = decodeBody(reader, kind, epoch);
  if (reader.remaining !== 0)
    throw new MalformedError(`Raft message of kind ${kind} is longer than its fields`);
  return message;
}

function decodeBody(reader: ByteReader, kind: number, epoch: number): WireMessage {
  switch (kind) {
    case 1:
      return readVote(reader, epoch);
    case 2: {
      const flags = reader.u8();
      const nonce = reader.u32();
      return { type: 'voted', epoch, preVote: (flags & 1) !== 0, granted: (flags & 2) !== 0, nonce };
    }
    case 3:
      return readAppend(reader, epoch);
    case 4: {
      const accepted = reader.u8() === 1;
      const baseOffset = reader.i64();
      const endOffset = reader.i64();
      return { type: 'appended', epoch, accepted, baseOffset, endOffset, endEpoch: reader.i64() };
    }
    case 5: {
      const directoryId = reader.uuid();
      const match = reader.i64();
      const highWatermark = reader.i64();
      const reply = reader.u8() === 1;
      return { type: 'heartbeat', epoch, directoryId, match, highWatermark, reply, round: reader.i64() };
    }
    case 6:
      return { type: 'alive', epoch, round: reader.i64() };
    case 7:
      return { type: 'timeoutNow', epoch };
    case 8: {
      const successors: NodeId[] = [];
      for (let left = reader.count(votersMax, 4); left > 0; left--) successors.push(nodeId(reader.i32()));
      return { type: 'resign', epoch, successors };
    }
    case 9: {
      const replica = reader.replica();
      return { type: 'join', epoch, replica, endpoints: reader.endpoints() };
    }
    default:
      throw new MalformedError(`Raft message of unknown kind ${kind}`);
  }
}

function readVote(reader: ByteReader, epoch: number): VoteRequest {
  const flags = reader.u8();
  const logEndOffset = reader.i64();
  const lastEpoch = reader.i64();
  const nonce = reader.u32();
  return {
    type: 'vote',
    epoch,
    preVote: (flags & 1) !== 0,
    transfer: (flags & 2) !== 0,
    logEndOffset,
    lastEpoch,
    nonce,
  };
}

function writeAppend(writer: ByteWriter, message: AppendRequest): void {
  writer.i64(message.baseOffset);
  writer.i64(message.previousEpoch);
  writer.i64(message.highWatermark);
  writeEntries(writer, message.entries);
}

function readAppend(reader: ByteReader, epoch: number): AppendRequest {
  const baseOffset = reader.i64();
  const previousEpoch = reader.i64();
  const highWatermark = reader.i64();
  const entries = readEntries(reader, baseOffset);
  return { type: 'append', epoch, baseOffset, previousEpoch, highWatermark, entries };
}

function appendSizeBytes(message: AppendRequest): number {
  let sizeBytes = 0;
  for (const entry of message.entries) sizeBytes += entry.payload.length + entrySizeBytesMin;
  return sizeBytes;
}

/** Entries without their offsets: they are contiguous. */
export function writeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  writer.u32(entries.length);
  for (const entry of entries) writer.entry(entry);
}

export function readEntries(reader: ByteReader, baseOffset: number): Entry[] {
  const entries: Entry[] = [];
  const count = reader.count(entriesMax, entrySizeBytesMin);
  for (let i = 0; i < count; i++) entries.push(reader.entry(baseOffset + i));
  return entries;
}
