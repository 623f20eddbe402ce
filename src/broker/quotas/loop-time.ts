/**
 * Charges the time of the event loop to clients, for their `request_percentage`. A client is charged from when the pipeline works
 * for it until everything has run that follows from that in the same turn (promises), or until the pipeline works for another
 * client. The caller says when that begins, because the clients of a turn are not known otherwise. While no client has the quota,
 * no clock is read.
 */
import type { Clock } from '../../base/clock.ts';
import type { ClientRateQuota } from './client-rate-quota.ts';
import { isSameClient, type QuotaClient } from './quota-table.ts';

/** Runs a callback when nothing is left to run that follows from the present turn of the event loop. */
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

  /** The event loop begins to work for `client`; null: for nobody who is charged. */
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

  /** How long `client` must wait, with all that it has used until now. */
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
