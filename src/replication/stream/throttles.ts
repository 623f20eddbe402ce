/**
 * Limits the rate of replication, which operators do during a reassignment (KIP-73). A topic's
 * `leader.replication.throttled.replicas` lists the leader replicas that are limited: each broker sends at most
 * `leader.replication.throttled.rate` bytes per second from those that it has. `follower.replication.throttled.replicas` and
 * `.rate` limit in the same way what followers accept. A follower in the ISR is never delayed, but its bytes count for the
 * rate.
 */
import type { Clock } from '../../base/clock.ts';
import { TokenBucket } from '../../base/token-bucket.ts';

export interface ThrottleOptions {
  readonly localId: number;
  readonly clock: Clock;
  /** Bytes per second; `Number.MAX_SAFE_INTEGER`: no limit. */
  readonly leaderRate: () => number;
  readonly followerRate: () => number;
  /** The configuration that was set for this topic itself, without defaults. */
  readonly configOf: (topic: string) => ReadonlyMap<string, string>;
}

interface Throttled {
  readonly topic: string;
  readonly index: number;
}

const chunkBytesMin = 16 * 1024;
/**
 * A follower slows its leader down only by ending its subscription, which wastes the records in flight. So it does this only
 * when it must wait at least this long.
 */
const pauseMsMin = 500;

export class ReplicationThrottles {
  readonly #options: ThrottleOptions;
  readonly #leader: TokenBucket;
  readonly #follower: TokenBucket;
  /** The last list of replicas that was parsed, because many topics under reassignment have the same list. */
  #parsed: { text: string; replicas: ReadonlySet<string> } = { text: '', replicas: new Set() };

  constructor(options: ThrottleOptions) {
    this.#options = options;
    this.#leader = new TokenBucket(options.clock, options.leaderRate);
    this.#follower = new TokenBucket(options.clock, options.followerRate);
  }

  /** How long the leader must wait before it sends more records of `partition` to a follower; 0: it need not wait. */
  sendWaitMs(partition: Throttled, isInSync: boolean): number {
    if (isInSync || this.#leader.isUnlimited || !this.#isListed('leader', partition)) return 0;
    return this.#leader.waitMs();
  }

  /** Maximum bytes of one push of a throttled replica, so that a slow rate is steady. */
  chunkBytes(partition: Throttled, maxBytes: number): number {
    if (this.#leader.isUnlimited || !this.#isListed('leader', partition)) return maxBytes;
    return Math.min(maxBytes, Math.max(chunkBytesMin, Math.floor(this.#options.leaderRate() / 4)));
  }

  sent(partition: Throttled, bytes: number): void {
    if (!this.#leader.isUnlimited && this.#isListed('leader', partition)) this.#leader.take(bytes);
  }

  /** Counts received bytes. Returns for how long the follower should end its subscription; 0: it should not. */
  received(partition: Throttled, bytes: number, isInSync: boolean): number {
    if (this.#follower.isUnlimited || !this.#isListed('follower', partition)) return 0;
    this.#follower.take(bytes);
    const waitMs = this.#follower.waitMs();
    return isInSync || waitMs < pauseMsMin ? 0 : waitMs;
  }

  #isListed(side: 'leader' | 'follower', { topic, index }: Throttled): boolean {
    const text = this.#options.configOf(topic).get(`${side}.replication.throttled.replicas`) ?? '';
    if (text === '*') return true;
    if (text === '') return false;
    if (this.#parsed.text !== text)
      this.#parsed = { text, replicas: new Set(text.split(',').map((entry) => entry.trim())) };
    return this.#parsed.replicas.has(`${index}:${this.#options.localId}`);
  }
}
