/**
 * How much garbage may gather before V8 looks through the whole heap. V8 takes buffers outside of its heap for part of it,
 * but allows only some 8 MB of new ones when the heap is small: a node that takes in records would be collected in full for
 * each 8 MB, a third of its CPU time. Here it is about `garbageBytes`, whatever the heap's size.
 *
 * Doesn't bound the heap: that is V8's own affair.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { Scheduler } from '../base/clock.ts';

const garbageBytes = 64 * 1024 * 1024;
/** V8's own rule serves a heap of a size for which this would be little. */
const percentMin = 30;
const percentMax = 500;
const adjustIntervalMs = 5_000;

/** By how much a heap may grow, for V8's flag. */
export function growingPercent(usedBytes: number): number {
  const percent = Math.round((garbageBytes / usedBytes) * 100);
  return Math.min(percentMax, Math.max(percentMin, percent));
}

/** Makes room for garbage, now and whenever the heap's size has changed. */
export function makeRoomForGarbage(scheduler: Scheduler): void {
  let current = 0;
  const adjust = (): void => {
    const percent = growingPercent(getHeapStatistics().used_heap_size);
    if (Math.abs(percent - current) > current / 10) {
      current = percent;
      setFlagsFromString(`--heap-growing-percent=${percent}`);
    }
    scheduler.after(adjustIntervalMs, adjust);
  };
  adjust();
}
