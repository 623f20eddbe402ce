/** The two sides of a follower's subscription, as the partition sees them. */
import type { ErrorRow } from '../../protocol/errors.ts';
import type { SubscriptionCheck } from '../follower/follower-state.ts';

/** Forwards the log to one follower. Calls are cheap and do their work later. */
export interface Feed {
  readonly brokerId: number;
  /** There is something new: records, high watermark or log start. */
  wake(): void;
  /** The partition no longer feeds it. */
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
