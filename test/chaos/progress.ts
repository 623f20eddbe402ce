/** Waits as long as there is progress: on a busy machine a cluster recovers late, but only a defect ends the progress. */

/** What is still missing, the most important number first; all 0: nothing is. */
export type Measure = readonly number[];

export interface Time {
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export const systemTime: Time = {
  nowMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

const intervalMs = 250;

function isLess(measure: Measure, than: Measure): boolean {
  const at = measure.findIndex((value, index) => value !== than[index]);
  return at >= 0 && (measure[at] as number) < (than[at] as number);
}

/**
 * Measures until nothing is missing (null), or until no measure was less than the smallest so far for `stallMs` (that smallest
 * one). A replica that joins the ISR and leaves it again and again is no progress after the first time.
 */
export async function waitWhileItImproves(
  stallMs: number,
  measure: () => Promise<Measure>,
  time: Time,
): Promise<Measure | null> {
  let least: Measure = [Number.POSITIVE_INFINITY];
  let improvedMs = time.nowMs();
  for (;;) {
    const found = await measure();
    if (found.every((value) => value === 0)) return null;
    if (isLess(found, least)) {
      least = found;
      improvedMs = time.nowMs();
    }
    if (time.nowMs() - improvedMs >= stallMs) return least;
    await time.sleep(intervalMs);
  }
}
