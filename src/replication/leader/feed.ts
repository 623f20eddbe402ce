/** The interface between a leader's partition and the stream of a follower that has subscribed to it. */
import type { ErrorRow } from '../../protocol/errors.ts';
import type { SubscriptionCheck } from '../follower/follower-state.ts';

/** Sends the leader's log to one follower. The methods return at once; the sending happens later. */
export interface Feed {
  readonly brokerId: number;
  /** The partition has new records, another high watermark or another log start offset. */
  wake(): void;
  /** The partition no longer feeds this follower. */
  revoke(error: ErrorRow): void;
}

export interface Subscription {
  readonly brokerEpoch: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

/**
 * `wait`: the follower has newer metadata than this leader; the stream subscribes again for it after the leader's next metadata
 * change of this partition. `fenced`: the follower has older metadata than this leader.
 */
export type SubscribeResult = SubscriptionCheck | { readonly kind: 'wait' } | { readonly kind: 'fenced' };
