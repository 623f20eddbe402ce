/**
 * Waits until this broker's own metadata image fulfils a condition. This publisher comes after those of the replicas and the
 * coordinators. So when a request that has waited for a new topic continues, the topic's partitions are started already.
 */
import type { Scheduler } from '../base/clock.ts';
import { WatchList } from '../base/watch-list.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { MetadataPublisher } from '../metadata/publisher.ts';
import { pendingRequestsMax } from './limits.ts';
import { DelayedOperation, Purgatory } from './purgatory/delayed-operation.ts';

export class ImageWatch implements MetadataPublisher {
  readonly #current: () => MetadataImage;
  readonly purgatory: Purgatory;
  readonly #changes = new WatchList();

  constructor(current: () => MetadataImage, scheduler: Scheduler) {
    this.#current = current;
    this.purgatory = new Purgatory(scheduler, pendingRequestsMax);
  }

  onMetadataUpdate(): void {
    this.#changes.notify();
  }

  /** Resolves to true when the image fulfils `shows`, or to false after `timeoutMs`. */
  until(shows: (image: MetadataImage) => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const operation = new DelayedOperation({
        purgatory: this.purgatory,
        timeoutMs,
        tryComplete: () => shows(this.#current()),
        onComplete: (isExpired) => resolve(!isExpired),
      });
      operation.start([this.#changes]);
    });
  }
}
