/**
 * One partition that this broker follows, at the follower's end of the stream to the leader.
 *
 * It is subscribed while `slot` is not negative. Otherwise it waits to subscribe: for the stream, for writes to end, for a
 * truncation, for a retry, or because its rate is limited. Invariant: while subscribed, records are appended in the order in
 * which they arrive; an error ends the subscription.
 */
import type { Timer } from '../../base/clock.ts';
import type { Partition } from '../partition.ts';

export class FetchSlot {
  readonly partition: Partition;
  leaderEpoch: number;
  /** The number of the subscription on its stream; -1 while there is none. */
  slot = -1;
  /** How many subscriptions have ended. Callbacks compare it, so that those of an ended subscription are ignored. */
  endedCount = 0;
  isAckQueued = false;
  isOver = false;
  retry: Timer | null = null;
  retryDelayMs = 0;

  constructor(partition: Partition, leaderEpoch: number) {
    this.partition = partition;
    this.leaderEpoch = leaderEpoch;
  }

  /** The subscription has ended. */
  reset(): void {
    this.slot = -1;
    this.endedCount++;
    this.retry?.cancel();
    this.retry = null;
  }
}

const retryMinMs = 50;
const retryMaxMs = 1000;

/** The delay before the next attempt to subscribe; it doubles with each attempt, to at most 1 s. */
export function nextRetryMs(slot: FetchSlot): number {
  slot.retryDelayMs = slot.retryDelayMs === 0 ? retryMinMs : Math.min(retryMaxMs, slot.retryDelayMs * 2);
  return slot.retryDelayMs;
}
