/**
 * How much garbage may collect before V8 runs a full garbage collection. V8 counts buffers outside of its heap as part of it, but
 * allows only some 8 MB of new ones when the heap is small. A node that receives records would then make a full collection for each
 * 8 MB, which takes a third of its CPU time. Here the limit is about `garbageBytes`, whatever the heap's size.
 *
 * This does not limit the heap itself.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { Scheduler } from '../base/clock.ts';

const garbageBytes = 64 * 1024 * 1024;
/** V8's own rule is used for a heap so large that this percentage would be too small. */
const percentMin = 30;
const percentMax = 500;
const adjustIntervalMs = 5_000;

/** Percentage by which the heap may grow, for V8's flag. */
export function growingPercent(usedBytes: number): number {
  const percent = Math.round((garbageBytes / usedBytes) * 100);
  return Math.min(percentMax, Math.max(percentMin, percent));
}

/** Sets V8's flag now and whenever the heap's size has changed. */
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
