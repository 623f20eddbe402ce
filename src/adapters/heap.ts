/**
 * Sets how much garbage V8 lets gather before it runs a full garbage collection. V8 counts buffers outside of its heap too.
 * When the heap is small, V8 collects after only some 8 MB of new buffers. A node that receives records would then spend a
 * third of its CPU time on collections. Here V8 collects after about `garbageBytes`, unless the heap is very small or very
 * large.
 *
 * This does not limit the heap itself.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { Scheduler } from '../base/clock.ts';

const garbageBytes = 64 * 1024 * 1024;
/**
 * The bounds of the percentage. `garbageBytes` is such a small part of a very large heap that V8 would collect too often, and
 * it is many times the size of a very small heap.
 */
const percentMin = 30;
const percentMax = 500;
const adjustIntervalMs = 5_000;

/** Returns by how many per cent the heap may grow before V8 collects, which is the value of V8's flag. */
export function growingPercent(usedBytes: number): number {
  const percent = Math.round((garbageBytes / usedBytes) * 100);
  return Math.min(percentMax, Math.max(percentMin, percent));
}

/** Sets V8's flag now, and again when the size of the heap has changed. */
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
