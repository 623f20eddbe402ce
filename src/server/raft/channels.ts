/**
 * The messages on the streams of the metadata quorum (proto/raft.proto, proto/observe.proto). Every stream begins with
 * a hello in each direction.
 */
import type { Hello } from '../../base/hello.ts';
import type { Channel } from '../../base/network.ts';
import type { StreamedMessage } from '../../raft/messages.ts';
import type { Entry, Voter } from '../../raft/types.ts';

export type RaftFrame = Hello | StreamedMessage;
/**
 * Between controllers. Each controller opens its own stream; while it has none open, it sends on the one that the peer opened.
 */
export const raftChannel: Channel<RaftFrame, RaftFrame> = { name: 'raft' };

export interface SnapshotBegin {
  readonly type: 'begin';
  readonly epoch: number;
  readonly endOffset: number;
  readonly snapshotEpoch: number;
  readonly voters: readonly Voter[];
  readonly sizeBytes: number;
}

export interface SnapshotChunk {
  readonly type: 'chunk';
  readonly bytes: Uint8Array;
}

/** The receiver's response to `begin`: how many bytes of this snapshot it has already, from an earlier stream. */
export interface SnapshotFrom {
  readonly type: 'from';
  readonly offset: number;
}

/** The receiver has the whole snapshot and has passed it to its core. */
export interface SnapshotReceived {
  readonly type: 'received';
}

export type SnapshotFrame = Hello | SnapshotBegin | SnapshotChunk;
export type SnapshotReply = Hello | SnapshotFrom | SnapshotReceived;
/** Snapshots from the quorum leader to another controller. */
export const snapshotChannel: Channel<SnapshotFrame, SnapshotReply> = { name: 'raft-bulk' };

/** From an observer: it accepts `sizeBytes` more bytes, as `feedBytes` counts them, and its log ends at `endOffset`. */
export interface Credit {
  readonly type: 'credit';
  readonly sizeBytes: number;
  readonly endOffset: number;
}

export interface FeedStatus {
  readonly type: 'status';
  /** -1: the voter knows no leader. */
  readonly leaderId: number;
  readonly epoch: number;
  readonly highWatermark: number;
  readonly voters: readonly Voter[];
}

export interface FeedSnapshot {
  readonly type: 'begin';
  readonly endOffset: number;
  readonly epoch: number;
  readonly sizeBytes: number;
}

export interface FeedEntries {
  readonly type: 'entries';
  readonly baseOffset: number;
  /** Contiguous from `baseOffset`. */
  readonly entries: readonly Entry[];
}

export type ObserverFrame = Hello | Credit;
export type FeedMessage = FeedStatus | FeedSnapshot | SnapshotChunk | FeedEntries;
/** The metadata log, from a voter to an observer. */
export const observeChannel: Channel<ObserverFrame, Hello | FeedMessage> = { name: 'observe' };

const messageBytes = 32;

/** How many bytes of the observer's credit a message uses. Voter and observer both count with this function. */
export function feedBytes(message: FeedMessage): number {
  switch (message.type) {
    case 'status':
    case 'begin':
      return messageBytes;
    case 'chunk':
      return messageBytes + message.bytes.length;
    case 'entries': {
      let sizeBytes = messageBytes;
      for (const entry of message.entries) sizeBytes += messageBytes + entry.payload.length;
      return sizeBytes;
    }
  }
}
