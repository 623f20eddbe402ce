/** Counts by topic what producers have appended and consumers have fetched since the start of the broker. */
import type { Collector } from '../telemetry/metrics.ts';

class Counters {
  messagesIn = 0;
  bytesIn = 0;
  bytesOut = 0;
  produceRequests = 0;
  failedProduceRequests = 0;
  fetchRequests = 0;
  failedFetchRequests = 0;
}

const metricOf = {
  messagesIn: 'kafka_server_brokertopicmetrics_messagesin_total',
  bytesIn: 'kafka_server_brokertopicmetrics_bytesin_total',
  bytesOut: 'kafka_server_brokertopicmetrics_bytesout_total',
  produceRequests: 'kafka_server_brokertopicmetrics_totalproducerequests_total',
  failedProduceRequests: 'kafka_server_brokertopicmetrics_failedproducerequests_total',
  fetchRequests: 'kafka_server_brokertopicmetrics_totalfetchrequests_total',
  failedFetchRequests: 'kafka_server_brokertopicmetrics_failedfetchrequests_total',
} as const;

export class TopicTraffic {
  readonly #topics = new Map<string, Counters>();
  readonly #exists: (topic: string) => boolean;

  /** `exists`: whether the metadata has a topic of that name. The counts of topics that do not exist any more are dropped. */
  constructor(exists: (topic: string) => boolean) {
    this.#exists = exists;
  }

  /** Counts a partition of a Produce request that was appended. */
  appended(topic: string, bytes: number, records: number): void {
    const counters = this.#of(topic);
    counters.produceRequests++;
    counters.bytesIn += bytes;
    counters.messagesIn += records;
  }

  /** Counts a partition of a Produce request that was refused. The topic is known. */
  appendFailed(topic: string): void {
    const counters = this.#of(topic);
    counters.produceRequests++;
    counters.failedProduceRequests++;
  }

  /** Counts a partition of a Fetch response. */
  fetched(topic: string, bytes: number, isError: boolean): void {
    const counters = this.#of(topic);
    counters.fetchRequests++;
    counters.bytesOut += bytes;
    if (isError) counters.failedFetchRequests++;
  }

  readonly collect: Collector = (sink) => {
    for (const [topic, counters] of this.#topics) {
      if (!this.#exists(topic)) {
        this.#topics.delete(topic);
        continue;
      }
      for (const [name, metric] of Object.entries(metricOf)) {
        sink(metric, counters[name as keyof Counters], [topic]);
      }
    }
  };

  #of(topic: string): Counters {
    let counters = this.#topics.get(topic);
    if (counters === undefined) {
      counters = new Counters();
      this.#topics.set(topic, counters);
    }
    return counters;
  }
}
