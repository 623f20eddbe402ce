/** Holds compaction back to `log.cleaner.io.max.bytes.per.second`, bytes read and bytes written alike. */
import { type Clock, type Scheduler, sleep } from '../../base/clock.ts';
import { TokenBucket } from '../../base/token-bucket.ts';

/** A stop, or another rate, is noticed after this time at most. */
const waitMsMax = 500;

export class CompactionThrottle {
  readonly #bucket: TokenBucket;
  readonly #scheduler: Scheduler;
  #stopped = false;

  constructor(clock: Clock, scheduler: Scheduler, bytesPerSecond: () => number) {
    this.#bucket = new TokenBucket(clock, bytesPerSecond);
    this.#scheduler = scheduler;
  }

  /** Counts bytes and resolves when more may be read or written. */
  async take(bytes: number): Promise<void> {
    this.#bucket.take(bytes);
    for (;;) {
      const waitMs = this.#stopped ? 0 : this.#bucket.waitMs();
      if (waitMs === 0) return;
      await sleep(this.#scheduler, Math.min(waitMs, waitMsMax));
    }
  }

  /** The log in work is finished without waiting. */
  stop(): void {
    this.#stopped = true;
  }
}
