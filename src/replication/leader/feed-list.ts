/** The followers' streams that a partition feeds. Invariant: a broker has at most one feed, its newest. */
import type { ErrorRow } from '../../protocol/errors.ts';
import type { Feed } from './feed.ts';

export class FeedList {
  #feeds: Feed[] = [];

  /** Replaces an older feed of the same broker. */
  attach(feed: Feed): void {
    const older = this.#feeds.findIndex((other) => other.brokerId === feed.brokerId);
    if (older >= 0) this.#feeds.splice(older, 1, feed);
    else this.#feeds.push(feed);
  }

  /** Returns false when the feed was not attached, or was replaced. */
  detach(feed: Feed): boolean {
    const at = this.#feeds.indexOf(feed);
    if (at >= 0) this.#feeds.splice(at, 1);
    return at >= 0;
  }

  has(feed: Feed): boolean {
    return this.#feeds.includes(feed);
  }

  wake(): void {
    for (const feed of this.#feeds) feed.wake();
  }

  revoke(error: ErrorRow): void {
    const feeds = this.#feeds;
    this.#feeds = [];
    for (const feed of feeds) feed.revoke(error);
  }
}
