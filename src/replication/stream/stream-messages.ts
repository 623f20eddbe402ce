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
 * A slot is the number of one subscription and is never used again on its stream. When a follower subscribes to a partition
 * again (with another leader epoch or offset), it uses a new slot, so messages for the old subscription are recognised and
 * dropped. Credit is the number of record bytes that the follower has handled; the leader may send as many more. Batches are
 * sent as they are in the leader's log.
 */
import type { Hello } from '../../base/hello.ts';
import type { Channel } from '../../base/network.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { Ack } from '../../wire/ack.ts';

export interface Open {
  readonly type: 'open';
  readonly brokerEpoch: number;
  /** How many record bytes the leader may have in flight before the follower returns credit. */
  readonly windowBytes: number;
}

export interface Subscription {
  readonly slot: number;
  readonly topicId: Uuid;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  /** The newest leader epoch of the follower's log up to `fetchOffset`; -1 when it has none. */
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

export interface PushEntry {
  readonly slot: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** Whole batches, in order, in one or more pieces; a piece may end inside a batch. A received entry has one piece. */
  readonly records: readonly Uint8Array[];
}

export interface Refusal {
  readonly slot: number;
  /** Kafka's error code; 0 when the logs diverge. */
  readonly errorCode: number;
  /**
   * When the logs diverge: the largest epoch in the leader's log that is not above the follower's `lastFetchedEpoch`, and the
   * end offset of that epoch. Else -1.
   */
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
