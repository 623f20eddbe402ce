/**
 * The topics that a member of a group reads, and when their metadata are looked up again: after `metadata.max.age.ms`, and soon
 * after an error that says that the metadata are old.
 */
import type { ClusterInfo, KafkaClient } from './kafka-client.ts';
import { isRetriable } from './retry.ts';

/** Selects topics by their name, as `Pattern` in Java's client. */
export interface TopicPattern {
  matches(topic: string): boolean;
}

/** Topics by name, or all that match, without the internal ones. */
export type Subscription = readonly string[] | TopicPattern;

/** After `expire`, the next look-up is at least this long after the last one, as `retry.backoff.ms` of Java's client. */
const backoffMs = 100;
/** Interval of look-ups while metadata are incomplete, or after a failed look-up, as `retry.backoff.max.ms`. */
const retryMs = 1_000;

function isByName(subscription: Subscription): subscription is readonly string[] {
  return Array.isArray(subscription);
}

export class SubscribedTopics {
  private readonly client: KafkaClient;
  private readonly subscription: Subscription;
  private readonly maxAgeMs: number;
  private found: readonly string[];
  private sentMs = Number.NEGATIVE_INFINITY;
  private dueMs = Number.NEGATIVE_INFINITY;
  private isRefreshing = false;
  /** Number of the last look-up that was sent. */
  private lastSent = 0;
  /** Number of the newest look-up whose response was taken. Responses to earlier look-ups are older, and are ignored. */
  private lastTaken = 0;

  constructor(client: KafkaClient, subscription: Subscription, maxAgeMs: number) {
    this.client = client;
    this.subscription = subscription;
    this.maxAgeMs = maxAgeMs;
    this.found = isByName(subscription) ? [...subscription].sort() : [];
  }

  /** The subscribed topics, sorted. With a pattern: those that matched at the last look-up, none before the first. */
  get names(): readonly string[] {
    return this.found;
  }

  get isPattern(): boolean {
    return !isByName(this.subscription);
  }

  /** Looks up the metadata of the subscribed topics and of `others`. */
  async lookUp(others: readonly string[] = []): Promise<ClusterInfo> {
    const number = ++this.lastSent;
    this.sentMs = this.nowMs();
    const { subscription } = this;
    const wanted = isByName(subscription) ? [...new Set([...subscription, ...others])] : null;
    const cluster = await this.client.metadata(wanted);
    if (number > this.lastTaken) {
      this.lastTaken = number;
      this.take(cluster);
    }
    return cluster;
  }

  private take(cluster: ClusterInfo): void {
    const { subscription } = this;
    if (!isByName(subscription)) {
      this.found = [...cluster.topics.values()]
        .filter((topic) => topic.errorCode === 0 && !topic.isInternal && subscription.matches(topic.name))
        .map(({ name }) => name)
        .sort();
    }
    const isComplete = this.found.every((name) => cluster.topics.get(name)?.errorCode === 0);
    this.dueMs = this.nowMs() + (isComplete ? this.maxAgeMs : Math.min(retryMs, this.maxAgeMs));
  }

  /** Makes the next look-up due as soon as `backoffMs` allows, because a response of a broker contradicts the metadata. */
  expire(): void {
    this.dueMs = Math.min(this.dueMs, this.sentMs + backoffMs);
  }

  /**
   * When the metadata are too old, looks them up and passes them to `onMetadata`. After an error that a retry can resolve, the
   * next look-up is due in `retryMs`; other errors are thrown.
   */
  async refresh(others: readonly string[], onMetadata: (cluster: ClusterInfo) => void): Promise<void> {
    if (this.isRefreshing || this.nowMs() < this.dueMs) return;
    this.isRefreshing = true;
    try {
      onMetadata(await this.lookUp(others));
    } catch (error) {
      if (!isRetriable(error)) throw error;
      this.dueMs = this.nowMs() + retryMs;
    } finally {
      this.isRefreshing = false;
    }
  }

  private nowMs(): number {
    return this.client.ports.clock.monotonicMs();
  }
}
