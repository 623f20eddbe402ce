/** The purgatories of a broker, with their metrics. Each has the name that Kafka gives to the operations that wait in it. */
import type { Scheduler } from '../../base/clock.ts';
import type { Collector } from '../../telemetry/metrics.ts';
import { pendingFetchesMax, pendingRequestsMax } from '../limits.ts';
import { Purgatory } from './delayed-operation.ts';

export class Purgatories {
  readonly fetch: Purgatory;
  readonly produce: Purgatory;
  readonly deleteRecords: Purgatory;
  /** For requests that wait until this broker's metadata has the change that they made. Kafka has no such purgatory. */
  readonly #metadata: Purgatory;

  constructor(scheduler: Scheduler, metadata: Purgatory) {
    this.fetch = new Purgatory(scheduler, pendingFetchesMax);
    this.produce = new Purgatory(scheduler, pendingRequestsMax);
    this.deleteRecords = new Purgatory(scheduler, pendingRequestsMax);
    this.#metadata = metadata;
  }

  readonly collect: Collector = (sink) => {
    const all = [
      ['Fetch', this.fetch],
      ['Produce', this.produce],
      ['DeleteRecords', this.deleteRecords],
      ['Metadata', this.#metadata],
    ] as const;
    for (const [kind, { pending, completed, expired }] of all) {
      sink('kafka_server_delayedoperationpurgatory_purgatorysize', pending, [kind]);
      sink('kafka_server_delayedoperationpurgatory_numdelayedoperations', pending, [kind]);
      sink('bendemann_purgatory_completed_total', completed, [kind]);
      sink('bendemann_purgatory_expired_total', expired, [kind]);
    }
  };
}
