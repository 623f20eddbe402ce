/**
 * A follower's subscription, and the leader's check of it. Pure.
 *
 * The follower subscribes with the offset from which it fetches and the newest leader epoch that its log has up to there. When
 * its log diverges from the leader's, the leader refuses and names the end offset of an epoch in its own log, and the follower
 * truncates (`../follower/follower-truncation.ts`).
 */
import { mark } from '../../base/mark.ts';
import type { EpochLookup } from '../log-port.ts';

export interface Subscription {
  readonly brokerEpoch: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  /** The newest leader epoch that the follower's log has up to `fetchOffset`; -1: it has none. */
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

export type SubscriptionCheck =
  | { readonly kind: 'ok' }
  | { readonly kind: 'diverging'; readonly epoch: number; readonly endOffset: number }
  | { readonly kind: 'out_of_range' };

/**
 * `wait`: the follower has newer metadata than this leader, or its broker is not a replica that this leader knows; the stream
 * subscribes again for it after the leader's next metadata change of this partition. `fenced`: the follower has older metadata
 * than this leader.
 */
export type SubscribeResult = SubscriptionCheck | { readonly kind: 'wait' } | { readonly kind: 'fenced' };

/** Checks whether a follower can continue to read the leader's `log` at `offset`. */
export function checkSubscription(
  log: EpochLookup,
  offset: number,
  lastFetchedEpoch: number,
): SubscriptionCheck {
  if (lastFetchedEpoch >= 0) {
    const known = log.endOffsetForEpoch(lastFetchedEpoch);
    if (known.epoch < 0 || known.endOffset < 0) return { kind: 'out_of_range' };
    if (known.epoch < lastFetchedEpoch || known.endOffset < offset)
      return { kind: 'diverging', epoch: known.epoch, endOffset: known.endOffset };
  }
  if (offset < log.logStartOffset || offset > log.logEndOffset) return { kind: 'out_of_range' };
  return { kind: 'ok' };
}

/**
 * The result for a subscription with a leader epoch that this broker's metadata does not have yet. The subscription waits until
 * this broker has applied that metadata.
 */
export function aheadOfMetadata(): { readonly kind: 'wait' } {
  mark('replication.subscription-ahead-of-metadata');
  return { kind: 'wait' };
}
