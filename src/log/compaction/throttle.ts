/** Limits compaction to `log.cleaner.io.max.bytes.per.second`, counting bytes read and bytes written. */
import { type Clock, type Scheduler, sleep } from '../../base/clock.ts';
import { TokenBucket } from '../../base/token-bucket.ts';

/** A wait is divided into waits of at most this long, so that a stop or a changed rate takes effect soon. */
const waitMsMax = 500;

export class CompactionThrottle {
  readonly #bucket: TokenBucket;
  readonly #scheduler: Scheduler;
  #stopped = false;

  constructor(clock: Clock, scheduler: Scheduler, bytesPerSecond: () => number) {
    this.#bucket = new TokenBucket(clock, bytesPerSecond);
    this.#scheduler = scheduler;
  }

  /** Counts bytes; resolves when more may be read or written. */
  async take(bytes: number): Promise<void> {
    this.#bucket.take(bytes);
    for (;;) {
      const waitMs = this.#stopped ? 0 : this.#bucket.waitMs();
      if (waitMs === 0) return;
      await sleep(this.#scheduler, Math.min(waitMs, waitMsMax));
    }
  }

  /** Ends all waits, so that the compaction in progress finishes quickly. */
  stop(): void {
    this.#stopped = true;
  }
}
