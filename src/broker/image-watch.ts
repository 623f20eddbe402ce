/**
 * Waiting for this broker's own metadata image to show something: registered as the last publisher, so that whoever waits
 * for a topic finds its partitions already started.
 */
import type { Scheduler, Timer } from '../base/clock.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { MetadataPublisher } from '../metadata/publisher.ts';

interface Waiter {
  readonly shows: (image: MetadataImage) => boolean;
  readonly done: (shown: boolean) => void;
}

export class ImageWatch implements MetadataPublisher {
  readonly #current: () => MetadataImage;
  readonly #scheduler: Scheduler;
  readonly #waiters = new Set<Waiter>();

  constructor(current: () => MetadataImage, scheduler: Scheduler) {
    this.#current = current;
    this.#scheduler = scheduler;
  }

  onMetadataUpdate(_delta: unknown, image: MetadataImage): void {
    for (const waiter of this.#waiters) {
      if (waiter.shows(image)) waiter.done(true);
    }
  }

  /** True once `shows` holds for the image; false when it didn't within `timeoutMs`. */
  until(shows: (image: MetadataImage) => boolean, timeoutMs: number): Promise<boolean> {
    if (shows(this.#current())) return Promise.resolve(true);
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const waiter: Waiter = {
        shows,
        done: (shown) => {
          this.#waiters.delete(waiter);
          timer?.cancel();
          resolve(shown);
        },
      };
      this.#waiters.add(waiter);
      timer = this.#scheduler.after(timeoutMs, () => waiter.done(false));
    });
  }
}
