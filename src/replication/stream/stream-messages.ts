/**
 * The messages between leader and follower on a stream of channel 'replication' (proto/replication.proto).
 *
 *   follower                                      leader
 *   hello, open (broker epoch, window)  ->
 *                                       <-        hello
 *   subscribe (slots)                   ->
 *                                       <-        push (records, high watermark, log start; many slots) | refuse (slots)
 *   ack (slots, credit)                 ->
 *   unsubscribe (slots)                 ->
 *
 * A slot names one subscription on one stream and is never used again on it. So a message that was in flight when the follower
 * subscribed again (with another leader epoch or offset) is recognised as old and dropped. Records are sent as they are in the
 * leader's log.
 */
import type { Hello } from '../../base/hello.ts';
import type { Channel } from '../../base/network.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { Ack } from '../../wire/ack.ts';

export interface Open {
  readonly type: 'open';
  readonly brokerEpoch: number;
  /** How many record bytes may be in flight before the follower returns credit. */
  readonly windowBytes: number;
}

export interface Subscription {
  readonly slot: number;
  readonly topicId: Uuid;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  /** Leader epoch of the follower's last record; -1 when it has none. */
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

export interface PushEntry {
  readonly slot: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** Whole batches in consecutive pieces; a piece may end inside a batch. The receiver gets one piece. */
  readonly records: readonly Uint8Array[];
}

export interface Refusal {
  readonly slot: number;
  /** Kafka's error code; 0 when the logs diverge. */
  readonly errorCode: number;
  /** When the logs diverge: the largest epoch of the leader not above the follower's last, and its end offset; else -1. */
  readonly divergingEpoch: number;
  readonly divergingEndOffset: number;
  readonly leaderStartOffset: number;
  readonly leaderEndOffset: number;
}

export interface Subscribe {
  readonly type: 'subscribe';
  readonly slots: readonly Subscription[];
}

export interface Unsubscribe {
  readonly type: 'unsubscribe';
  readonly slots: readonly number[];
}

export interface Push {
  readonly type: 'push';
  readonly entries: readonly PushEntry[];
}

export interface Refuse {
  readonly type: 'refuse';
  readonly refusals: readonly Refusal[];
}

export type FollowerMessage = Hello | Open | Subscribe | Unsubscribe | Ack;
export type LeaderMessage = Hello | Push | Refuse;
export const replicationChannel: Channel<FollowerMessage, LeaderMessage> = { name: 'replication' };
