/** A follower's high watermark: that of the leader (`leaders`), at most the follower's own log end offset. Never decreases. */
export function followerHighWatermark(current: number, leaders: number, logEndOffset: number): number {
  const reached = leaders < logEndOffset ? leaders : logEndOffset;
  return reached > current ? reached : current;
}
