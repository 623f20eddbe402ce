/**
 * The messages on the streams of the metadata quorum (proto/raft.proto, proto/observe.proto). Every stream begins with
 * a hello in each direction.
 */
import type { Hello } from '../../base/hello.ts';
import type { Channel } from '../../base/network.ts';
import type { StreamedMessage } from '../../raft/messages.ts';
import type { Entry, Voter } from '../../raft/types.ts';

export type RaftFrame = Hello | StreamedMessage;
/** Between controllers. The acceptor sends on the stream while it has none of its own that is open. */
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

/** How many bytes of this snapshot the receiver has already. */
export interface SnapshotFrom {
  readonly type: 'from';
  readonly offset: number;
}

/** The receiver's core has received the whole snapshot. */
export interface SnapshotReceived {
  readonly type: 'received';
}

export type SnapshotFrame = Hello | SnapshotBegin | SnapshotChunk;
export type SnapshotReply = Hello | SnapshotFrom | SnapshotReceived;
/** From the quorum leader to another controller. */
export const snapshotChannel: Channel<SnapshotFrame, SnapshotReply> = { name: 'raft-bulk' };

/** The observer accepts this many more bytes (counted by `feedBytes`); and the end of its log. */
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
/** From a voter to an observer. */
export const observeChannel: Channel<ObserverFrame, Hello | FeedMessage> = { name: 'observe' };

const messageBytes = 32;

/** The credit that a message uses up. Both sides count the same way. */
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
