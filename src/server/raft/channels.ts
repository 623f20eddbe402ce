/**
 * What is said on the streams of the metadata quorum (proto/raft.proto, proto/observe.proto). Every stream begins with a hello of
 * both sides.
 */
import type { Hello } from '../../base/hello.ts';
import type { Channel } from '../../base/network.ts';
import type { StreamedMessage } from '../../raft/messages.ts';
import type { Entry, Voter } from '../../raft/types.ts';

export type RaftFrame = Hello | StreamedMessage;
/** Between controllers; the acceptor answers on a stream while it has none of its own that is up. */
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

/** How much of this snapshot is here already. */
export interface SnapshotFrom {
  readonly type: 'from';
  readonly offset: number;
}

/** The whole of it reached the receiver's core. */
export interface SnapshotReceived {
  readonly type: 'received';
}

export type SnapshotFrame = Hello | SnapshotBegin | SnapshotChunk;
export type SnapshotReply = Hello | SnapshotFrom | SnapshotReceived;
/** From the quorum leader to another controller. */
export const snapshotChannel: Channel<SnapshotFrame, SnapshotReply> = { name: 'raft-bulk' };

/** The observer takes so many more bytes (`feedBytes`); and where its log ends. */
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
/** From a voter to a node that is none. */
export const observeChannel: Channel<ObserverFrame, Hello | FeedMessage> = { name: 'observe' };

const messageBytes = 32;

/** What a message costs of the observer's credit; both sides count the same. */
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
