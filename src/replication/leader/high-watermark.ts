/**
 * How far a leader's high watermark may advance. Pure.
 *
 * The result is the smallest log end offset of the leader and of every follower that counts. A follower counts when it is in the
 * maximal ISR. It also counts when it is not in the ISR yet but has an open stream, is eligible, and was caught up within the lag
 * time: waiting for it lets it join the ISR under load, because joining requires a log end offset at the high watermark. While the
 * ISR is smaller than min.insync.replicas the high watermark does not advance, so that every replica that the controller may elect
 * has all records below it.
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

/** The offset up to which records are committed, or -1 when it cannot be determined now. */
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

/** A follower's high watermark: the leader's, bounded by its own log end. Never decreases. */
export function followerHighWatermark(current: number, leaders: number, logEndOffset: number): number {
  const reached = leaders < logEndOffset ? leaders : logEndOffset;
  return reached > current ? reached : current;
}
