/**
 * Client quotas around the requests of client connections. Requests between nodes do not come here and are never throttled.
 *
 * - The bytes of a Produce request are counted before it starts, so that no further request is read when they exceed the quota;
 *   Kafka counts them when it responds. The bytes of a Fetch response and the changes of topics are counted by their handlers.
 * - The time of a request is that of the event loop in its handler, until the handler returns, and in the encoder of its response.
 *   What runs later, such as appends of a large request in slices, is not counted.
 */
import { ApiKey } from '../../protocol/messages/api-keys.ts';
import type { ClientQuotas } from '../quotas/client-quotas.ts';
import { quotaClientOf } from '../quotas/quota-table.ts';
import type { ActiveRequest } from './active-request.ts';

export class Throttling {
  readonly quotas: ClientQuotas;

  constructor(quotas: ClientQuotas) {
    this.quotas = quotas;
  }

  /** A request starts. Returns for how long the connection must be muted at once. */
  started(request: ActiveRequest): number {
    const { produce } = this.quotas;
    if (produce.isOff || request.apiKey !== ApiKey.Produce) return 0;
    const nowMs = this.quotas.nowMs();
    const throttleMs = produce.record(quotaClientOf(request), request.frameBytes, nowMs);
    if (throttleMs > 0) request.throttledUntilMs = nowMs + throttleMs;
    return throttleMs;
  }

  /** The handler has returned. */
  handled(request: ActiveRequest): void {
    if (isTimed(request, this.quotas)) request.usedMs = this.quotas.preciseMs() - request.startedMs;
  }

  /** The response is complete. Sets the throttle time of the request. */
  completed(request: ActiveRequest): void {
    if (request.throttledUntilMs > 0)
      request.throttle('Produce', Math.max(0, request.throttledUntilMs - this.quotas.nowMs()));
    if (!isTimed(request, this.quotas)) return;
    const nowMs = this.quotas.nowMs();
    const client = quotaClientOf(request);
    request.throttle('Request', this.quotas.request.record(client, percent(request.usedMs), nowMs));
  }

  /** Encodes the response. Its time is known too late to throttle this request, so it counts for the next one. */
  timeEncoding<T>(request: ActiveRequest, encode: () => T): T {
    if (!isTimed(request, this.quotas)) return encode();
    const sinceMs = this.quotas.preciseMs();
    const encoded = encode();
    const usedMs = this.quotas.preciseMs() - sinceMs;
    this.quotas.request.recordOnly(quotaClientOf(request), percent(usedMs), this.quotas.nowMs());
    return encoded;
  }
}

/** Kafka's `request_percentage` does not apply to WriteTxnMarkers, nor to a Produce without response. */
function isTimed(request: ActiveRequest, { request: quota }: ClientQuotas): boolean {
  return !quota.isOff && request.apiKey !== ApiKey.WriteTxnMarkers && !request.hasNoResponse;
}

/** Milliseconds of one thread, in percent of a second. */
function percent(usedMs: number): number {
  return usedMs / 10;
}
