/**
 * One partition that this broker follows, on the stream to its leader.
 *
 * States: `idle` (no slot on the stream: waits for writes to end, for a truncation or for a retry), `subscribed`. Invariant: while
 * subscribed, records are appended in the order of the stream; an error ends the slot.
 */
import type { Timer } from '../../base/clock.ts';
import type { Partition } from '../partition.ts';

export class FetchSlot {
  readonly partition: Partition;
  leaderEpoch: number;
  /** -1 while not subscribed. */
  slot = -1;
  /** Incremented at every end of a subscription: callbacks of an older one are ignored. */
  generation = 0;
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
    this.generation++;
    this.retry?.cancel();
    this.retry = null;
  }
}

const retryMinMs = 50;
const retryMaxMs = 1000;

/** Delay before the next attempt. */
export function nextRetryMs(slot: FetchSlot): number {
  slot.retryDelayMs = slot.retryDelayMs === 0 ? retryMinMs : Math.min(retryMaxMs, slot.retryDelayMs * 2);
  return slot.retryDelayMs;
}
