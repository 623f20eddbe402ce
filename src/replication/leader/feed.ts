/** The interface between a partition and the stream of a follower that subscribed it. */
import type { ErrorRow } from '../../protocol/errors.ts';
import type { SubscriptionCheck } from '../follower/follower-state.ts';

/** Forwards the log to one follower. Calls return at once and do their work later. */
export interface Feed {
  readonly brokerId: number;
  /** Records, the high watermark or the log start have changed. */
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

/** `wait`: the leader's metadata is behind the follower's; subscribe again when the partition changes. */
export type SubscribeResult = SubscriptionCheck | { readonly kind: 'wait' } | { readonly kind: 'fenced' };
