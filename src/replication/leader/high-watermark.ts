/**
 * How far a leader's high watermark may advance. Pure.
 *
 * The result is the smallest log end offset of the leader and of every follower that counts:
 * - A follower in the maximal ISR counts.
 * - A follower outside the ISR counts when it has an open stream, is eligible, and was caught up within
 *   `replica.lag.time.max.ms`. It may join the ISR only when its log reaches the high watermark. Under load it never would if
 *   the high watermark did not wait.
 *
 * While the ISR is smaller than min.insync.replicas the high watermark does not advance. So every replica that the controller
 * may elect has all records below it.
 */
import type { NodeId } from '../../base/ids.ts';
import { mark } from '../../base/mark.ts';
import type { FollowerProgress } from './follower-progress.ts';

export interface HighWatermarkInput {
  readonly logEndOffset: number;
  readonly committedIsrSize: number;
  readonly minInsyncReplicas: number;
  readonly maximalIsr: readonly NodeId[];
  readonly followers: Iterable<FollowerProgress>;
  readonly isEligible: (follower: FollowerProgress) => boolean;
  readonly nowMs: number;
  readonly lagTimeMaxMs: number;
}

/** The offset to which the high watermark may advance; -1 while the ISR is too small. */
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
