/**
 * Waits until this broker's own metadata image shows something. It is registered as the last publisher: a request that waited for a
 * topic finds its partitions already started.
 */
import type { Scheduler } from '../base/clock.ts';
import { WatchList } from '../base/watch-list.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { MetadataPublisher } from '../metadata/publisher.ts';
import { pendingRequestsMax } from './limits.ts';
import { DelayedOperation, Purgatory } from './purgatory/delayed-operation.ts';

export class ImageWatch implements MetadataPublisher {
  readonly #current: () => MetadataImage;
  readonly #purgatory: Purgatory;
  readonly #changes = new WatchList();

  constructor(current: () => MetadataImage, scheduler: Scheduler) {
    this.#current = current;
    this.#purgatory = new Purgatory(scheduler, pendingRequestsMax);
  }

  onMetadataUpdate(): void {
    this.#changes.notify();
  }

  /** True once `shows` holds for the image; false when it did not within `timeoutMs`. */
  until(shows: (image: MetadataImage) => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const operation = new DelayedOperation({
        purgatory: this.#purgatory,
        timeoutMs,
        tryComplete: () => shows(this.#current()),
        onComplete: (isExpired) => resolve(!isExpired),
      });
      operation.start([this.#changes]);
    });
  }
}
