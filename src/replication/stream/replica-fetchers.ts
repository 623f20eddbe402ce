/**
 * All streams over which this broker, as follower, receives records: one `ReplicaFetcher` for each leader broker. Invariant: a
 * partition belongs to at most one fetcher, that of its newest leader.
 */
import type { NodeId } from '../../base/ids.ts';
import { type FetcherContext, ReplicaFetcher } from './replica-fetcher.ts';
import type { Partition } from '../partition.ts';

export class ReplicaFetchers {
  readonly #context: FetcherContext;
  readonly #fetchers = new Map<NodeId, ReplicaFetcher>();
  readonly #leaders = new Map<Partition, NodeId>();

  constructor(context: FetcherContext) {
    this.#context = context;
  }

  follow(partition: Partition, leaderId: NodeId, leaderEpoch: number): void {
    const before = this.#leaders.get(partition);
    if (before !== undefined && before !== leaderId) this.unfollow(partition);
    let fetcher = this.#fetchers.get(leaderId);
    if (fetcher === undefined) {
      fetcher = new ReplicaFetcher(leaderId, this.#context);
      this.#fetchers.set(leaderId, fetcher);
    }
    this.#leaders.set(partition, leaderId);
    fetcher.follow(partition, leaderEpoch);
  }

  unfollow(partition: Partition): void {
    const leaderId = this.#leaders.get(partition);
    if (leaderId === undefined) return;
    this.#leaders.delete(partition);
    this.#fetchers.get(leaderId)?.unfollow(partition);
  }

  /** The metadata of a broker has changed, perhaps its address. */
  brokerChanged(brokerId: NodeId): void {
    this.#fetchers.get(brokerId)?.addressChanged();
  }

  stop(): void {
    for (const fetcher of this.#fetchers.values()) fetcher.stop();
    this.#fetchers.clear();
    this.#leaders.clear();
  }
}
