/**
 * How far a leader's high watermark may move. Pure.
 *
 * Result: the smallest log end offset over the leader and every follower that counts; never above it.
 * A follower counts when it is in the maximal ISR, or has a live stream, is eligible and within the lag time though
 * not yet in the ISR: waiting for the latter lets it join under load, because joining needs a log end offset at the high watermark.
 * Below min.insync.replicas the high watermark stands still, so that every replica that the controller may elect next has all records below it.
 */
import { mark } from '../../base/mark.ts';
import type { FollowerProgress } from './follower-progress.ts';

export interface HighWatermarkInput {
  readonly logEndOffset: number;
  readonly committedIsrSize: number;
  readonly minInsyncReplicas: number;
  readonly maximalIsr: readonly number[];
  readonly followers: Iterable<FollowerProgress>;
  readonly isEligible: (follower: FollowerProgress) => boolean;
  readonly nowMs: number;
  readonly lagTimeMaxMs: number;
}

/** The offset up to which records are committed, or -1 when nothing can be said now. */
export function committedUpTo(input: HighWatermarkInput): number {
  if (input.committedIsrSize < input.minInsyncReplicas) {
    mark('replication.high-watermark-stands');
    return -1;
  }
  let end = input.logEndOffset;
  for (const follower of input.followers) {
    if (follower.logEndOffset >= end) continue;
    if (
      input.maximalIsr.includes(follower.brokerId) ||
      (follower.attached &&
        follower.isCaughtUp(input.logEndOffset, input.nowMs, input.lagTimeMaxMs) &&
        input.isEligible(follower))
    )
      end = follower.logEndOffset;
  }
  return end;
}

/** A follower's high watermark: the leader's, as far as its own log reaches. Never goes back. */
export function followerHighWatermark(current: number, leaders: number, logEndOffset: number): number {
  const reached = leaders < logEndOffset ? leaders : logEndOffset;
  return reached > current ? reached : current;
}
