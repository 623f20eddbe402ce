/**
 * Messages on channel 'observe'. The observer sends hello, then credits; the voter hello, then what is committed:
 *
 *   observer -> voter: credit {bytes it may be sent more, its log end offset}
 *   voter -> observer: status {leader, epoch, high watermark, voters} · begin of a snapshot · chunk of it · entries
 *
 * One kind byte, then fields in order. The protocol's version is in the hello.
 */
import { type NodeId, nodeId } from '../../base/ids.ts';
import { ByteReader, ByteWriter, MalformedError } from '../../raft/bytes.ts';
import type { Entry, Voter } from '../../raft/types.ts';
import { readEntries, writeEntries } from '../../raft/wire.ts';

export interface Credit {
  readonly type: 'credit';
  readonly sizeBytes: number;
  readonly endOffset: number;
}

export interface FeedStatus {
  readonly type: 'status';
  readonly leaderId: NodeId | null;
  readonly epoch: number;
  readonly highWatermark: number;
  readonly voters: readonly Voter[];
}

export interface SnapshotBegin {
  readonly type: 'begin';
  readonly endOffset: number;
  readonly epoch: number;
  readonly sizeBytes: number;
}

export interface SnapshotChunk {
  readonly type: 'chunk';
  readonly bytes: Uint8Array;
}

export interface FeedEntries {
  readonly type: 'entries';
  readonly baseOffset: number;
  readonly entries: readonly Entry[];
}

export type ObserveMessage = Credit | FeedStatus | SnapshotBegin | SnapshotChunk | FeedEntries;

export function encodeObserve(message: ObserveMessage): Uint8Array {
  const writer = new ByteWriter(256);
  switch (message.type) {
    case 'credit':
      writer.u8(1);
      writer.i64(message.sizeBytes);
      writer.i64(message.endOffset);
      break;
    case 'status':
      writer.u8(2);
      writer.i32(message.leaderId ?? -1);
      writer.i64(message.epoch);
      writer.i64(message.highWatermark);
      writer.voters(message.voters);
      break;
    case 'begin':
      writer.u8(3);
      writer.i64(message.endOffset);
      writer.i64(message.epoch);
      writer.i64(message.sizeBytes);
      break;
    case 'chunk':
      writer.u8(4);
      writer.bytes(message.bytes);
      break;
    case 'entries':
      writer.u8(5);
      writer.i64(message.baseOffset);
      writeEntries(writer, message.entries);
      break;
  }
  return writer.finish();
}

/** Throws `MalformedError`. */
export function decodeObserve(bytes: Uint8Array): ObserveMessage {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  switch (kind) {
    case 1:
      return { type: 'credit', sizeBytes: reader.i64(), endOffset: reader.i64() };
    case 2: {
      const leader = reader.i32();
      const leaderId = leader < 0 ? null : nodeId(leader);
      return {
        type: 'status',
        leaderId,
        epoch: reader.i64(),
        highWatermark: reader.i64(),
        voters: reader.voters(),
      };
    }
    case 3:
      return { type: 'begin', endOffset: reader.i64(), epoch: reader.i64(), sizeBytes: reader.i64() };
    case 4:
      return { type: 'chunk', bytes: reader.bytes() };
    case 5: {
      const baseOffset = reader.i64();
      return { type: 'entries', baseOffset, entries: readEntries(reader, baseOffset) };
    }
    default:
      throw new MalformedError(`message of unknown kind ${kind} on the observers' channel`);
  }
}
