/**
 * Charges the time of the event loop to clients, for their `request_percentage`. The pipeline calls `begin` when it begins to
 * work for a client. From then on the client is charged, until the pipeline works for another client, or until the turn of the
 * event loop is over with all promise callbacks that follow from it. While no client has the quota, no clock is read.
 */
import type { Clock } from '../../base/clock.ts';
import type { ClientRateQuota } from './client-rate-quota.ts';
import { isSameClient, type QuotaClient } from './quota-table.ts';

/** Runs a callback at the end of the present turn of the event loop, after the promise callbacks that follow from it. */
export type AfterTurn = (callback: () => void) => void;

export interface LoopTimeOptions {
  /** In percent of the time of the event loop. */
  readonly quota: ClientRateQuota;
  readonly clock: Clock;
  readonly afterTurn: AfterTurn;
}

export class LoopTime {
  readonly #options: LoopTimeOptions;
  /** The client that is charged now, and since when. */
  #client: QuotaClient | null = null;
  #sinceMs = 0;
  /** Whether `#end` will run at the end of this turn. */
  #ends = false;

  constructor(options: LoopTimeOptions) {
    this.#options = options;
  }

  /** The event loop begins to work for `client`; null: it works for no client that is charged. */
  begin(client: QuotaClient | null): void {
    const { quota, clock, afterTurn } = this.#options;
    if (quota.isOff) return;
    if (client !== null && this.#client !== null && isSameClient(client, this.#client)) return;
    this.#charge();
    this.#client = client;
    this.#sinceMs = clock.monotonicMs();
    if (client === null || this.#ends) return;
    this.#ends = true;
    afterTurn(this.#end);
  }

  /** How long `client` must wait, after all that it has used until now. */
  throttleTimeMs(client: QuotaClient): number {
    const { quota, clock } = this.#options;
    if (quota.isOff) return 0;
    this.#charge();
    return quota.throttleTimeMs(client, Math.floor(clock.monotonicMs()));
  }

  readonly #end = (): void => {
    this.#ends = false;
    this.#charge();
    this.#client = null;
  };

  #charge(): void {
    if (this.#client === null) return;
    const { quota, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    quota.record(this.#client, percentOfSecond(nowMs - this.#sinceMs), Math.floor(nowMs));
    this.#sinceMs = nowMs;
  }
}

function percentOfSecond(timeMs: number): number {
  return timeMs / 10;
}
