/** Counts events of the metadata quorum, for metrics under the names of Kafka's raft metrics. */
import type { Clock } from '../../base/clock.ts';
import type { Sink } from '../../telemetry/metrics.ts';
import { RecentValues } from '../../telemetry/recent-values.ts';

export class QuorumMeter {
  readonly #clock: Clock;
  readonly #commitsMs: RecentValues;
  readonly #electionsMs: RecentValues;
  readonly #appended: RecentValues;
  readonly #fetched: RecentValues;
  #electingSinceMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    const nowMs = clock.monotonicMs();
    this.#commitsMs = new RecentValues(nowMs);
    this.#electionsMs = new RecentValues(nowMs);
    this.#appended = new RecentValues(nowMs);
    this.#fetched = new RecentValues(nowMs);
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** The entries that this node proposed at `sinceMs` are committed. */
  committed(sinceMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#commitsMs.add(nowMs - sinceMs, nowMs);
  }

  /** The leader appended `count` entries to its log. */
  appended(count: number): void {
    if (count > 0) this.#appended.add(count, this.#clock.monotonicMs());
  }

  /** This node received `count` entries from another node. */
  fetched(count: number): void {
    if (count > 0) this.#fetched.add(count, this.#clock.monotonicMs());
  }

  /**
   * Called after each step, with whether this node campaigns (as prospective or candidate). An election ends when it no longer
   * does.
   */
  stepped(isElecting: boolean): void {
    if (isElecting) this.#electingSinceMs ??= this.#clock.monotonicMs();
    else if (this.#electingSinceMs !== null) {
      const nowMs = this.#clock.monotonicMs();
      this.#electionsMs.add(nowMs - this.#electingSinceMs, nowMs);
      this.#electingSinceMs = null;
    }
  }

  report(sink: Sink): void {
    const nowMs = this.#clock.monotonicMs();
    sink('kafka_server_raftmetrics_commit_latency_avg', this.#commitsMs.average(nowMs));
    sink('kafka_server_raftmetrics_commit_latency_max', this.#commitsMs.largest(nowMs));
    sink('kafka_server_raftmetrics_election_latency_avg', this.#electionsMs.average(nowMs));
    sink('kafka_server_raftmetrics_election_latency_max', this.#electionsMs.largest(nowMs));
    sink('kafka_server_raftmetrics_append_records_rate', this.#appended.sumPerSecond(nowMs));
    sink('kafka_server_raftmetrics_fetch_records_rate', this.#fetched.sumPerSecond(nowMs));
  }
}
