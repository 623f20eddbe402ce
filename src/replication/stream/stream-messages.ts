/**
 * What leader and follower brokers say on a stream of channel 'replication' (proto/replication.proto).
 *
 *   follower                                      leader
 *   hello, open (broker epoch, window)  ->
 *                                       <-        hello
 *   subscribe (slots)                   ->
 *                                       <-        push (records, high watermark, log start; many slots) | refuse (slots)
 *   ack (slots, credit)                 ->
 *   unsubscribe (slots)                 ->
 *
 * A slot names one subscription on one stream and is never used again on it, so that a message that was on its way when the
 * follower subscribed anew (other leader epoch, other offset) is recognised as old and dropped.
 * Records travel as the leader's log has them.
 */
import type { Hello } from '../../base/hello.ts';
import type { Channel } from '../../base/network.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { Ack } from '../../wire/ack.ts';

export interface Open {
  readonly type: 'open';
  readonly brokerEpoch: number;
  /** How many bytes of records may be on their way without credit given back. */
  readonly windowBytes: number;
}

export interface Subscription {
  readonly slot: number;
  readonly topicId: Uuid;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  /** Epoch of the follower's last record, -1 when it has none. */
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

export interface PushEntry {
  readonly slot: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** Whole batches, in pieces that follow each other; a piece need not end where a batch does. Arrives in one piece. */
  readonly records: readonly Uint8Array[];
}

export interface Refusal {
  readonly slot: number;
  /** Kafka's error code; 0 says that the logs diverge. */
  readonly errorCode: number;
  /** The largest epoch not above the follower's last that the leader knows, and its end; -1 when that is not the matter. */
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
