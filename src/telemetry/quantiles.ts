/**
 * Quantiles of durations over the last one to two minutes. Durations are counted in buckets, each a sixth wider than the one
 * before. So a quantile between 0.05 ms and ten minutes is at most a sixth too large, and adding a duration only increments one
 * counter.
 */

/** The end of the first bucket, in milliseconds. Each further bucket ends `growth` times later. */
const firstEndMs = 0.05;
const growth = 7 / 6;
/** With this number the last bucket begins at about ten minutes. */
const bucketCount = 108;
const windowMs = 60_000;

const growthLog = Math.log(growth);

function bucketOf(durationMs: number): number {
  if (durationMs <= firstEndMs) return 0;
  return Math.min(bucketCount - 1, Math.ceil(Math.log(durationMs / firstEndMs) / growthLog));
}

const endOf = (bucket: number): number => firstEndMs * growth ** bucket;

export class Quantiles {
  #current = new Uint32Array(bucketCount);
  #previous = new Uint32Array(bucketCount);
  #windowStartMs: number;
  /** The number of all durations since the start, not only of the recent ones. */
  count = 0;
  sumMs = 0;

  constructor(nowMs: number) {
    this.#windowStartMs = nowMs;
  }

  add(durationMs: number, nowMs: number): void {
    this.#turn(nowMs);
    const bucket = bucketOf(durationMs);
    this.#current[bucket] = (this.#current[bucket] as number) + 1;
    this.count++;
    this.sumMs += durationMs;
  }

  /** Returns the duration below which `share` (0 to 1) of the recent durations lie; NaN when there are none. */
  quantile(share: number, nowMs: number): number {
    this.#turn(nowMs);
    let total = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) total += this.#countIn(bucket);
    if (total === 0) return Number.NaN;
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#countIn(bucket);
      if (seen >= share * total) return endOf(bucket);
    }
    return endOf(bucketCount - 1);
  }

  #countIn(bucket: number): number {
    return (this.#current[bucket] as number) + (this.#previous[bucket] as number);
  }

  #turn(nowMs: number): void {
    const elapsedMs = nowMs - this.#windowStartMs;
    if (elapsedMs < windowMs) return;
    [this.#current, this.#previous] = [this.#previous, this.#current];
    this.#current.fill(0);
    if (elapsedMs >= 2 * windowMs) this.#previous.fill(0);
    this.#windowStartMs = nowMs;
  }
}
