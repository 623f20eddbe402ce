/**
 * Client quotas around the requests of client connections. Requests between nodes do not come here and are never throttled.
 *
 * - The bytes of a Produce request are counted before it starts, so that no further request is read when they exceed the quota;
 *   Kafka counts them when it responds. The handler of Fetch counts the bytes of its response; the active controller counts
 *   changes of topics.
 * - The time of the event loop is charged from here to clients (`../quotas/loop-time.ts`): when bytes arrive, when a request
 *   starts or goes on (`RequestContext.resumed`), when its response is complete, and when responses are written.
 */
import { ApiKey } from '../../protocol/messages/api-keys.ts';
import type { ProduceRequest } from '../../protocol/messages/records/00-produce.ts';
import type { ClientQuotas } from '../quotas/client-quotas.ts';
import { type QuotaClient, quotaClientOf } from '../quotas/quota-table.ts';
import type { ActiveRequest } from './active-request.ts';

export class Throttling {
  readonly quotas: ClientQuotas;
  constructor(quotas: ClientQuotas) {
    this.quotas = quotas;
  }

  /** A request starts. Returns for how long the connection must be muted at once. */
  started(request: ActiveRequest): number {
    request.charged = chargedClientOf(request, this.quotas);
    this.resumed(request);
    const { produce } = this.quotas;
    if (produce.isOff || request.apiKey !== ApiKey.Produce) return 0;
    const nowMs = this.quotas.nowMs();
    const throttleMs = produce.record(quotaClientOf(request), request.frameBytes, nowMs);
    if (throttleMs > 0) request.throttledUntilMs = nowMs + throttleMs;
    return throttleMs;
  }

  /**
   * Whether a request may start while earlier ones are incomplete: not when the client has exceeded its `request_percentage`,
   * because each response is then followed by a throttle time.
   */
  mayPipeline(charged: QuotaClient | null): boolean {
    return charged === null || this.quotas.loopTime.throttleTimeMs(charged) === 0;
  }

  /** The event loop begins or continues to work for a request. */
  readonly resumed = ({ charged }: ActiveRequest): void => this.quotas.loopTime.begin(charged);

  /**
   * The response is complete. Sets the throttle time of the request. Time that is charged later counts for the next request.
   */
  completed(request: ActiveRequest): void {
    if (request.throttledUntilMs > 0)
      request.throttle('Produce', Math.max(0, request.throttledUntilMs - this.quotas.nowMs()));
    const { loopTime } = this.quotas;
    loopTime.begin(request.charged);
    if (request.charged !== null) request.throttle('Request', loopTime.throttleTimeMs(request.charged));
  }
}

/**
 * The client whose `request_percentage` pays for a request. Null: no client has this quota, or the request is exempt as in
 * Kafka: WriteTxnMarkers, and a Produce without response.
 */
function chargedClientOf(request: ActiveRequest, { request: quota }: ClientQuotas): QuotaClient | null {
  if (quota.isOff || request.apiKey === ApiKey.WriteTxnMarkers) return null;
  if (request.apiKey === ApiKey.Produce && (request.body as ProduceRequest).acks === 0) return null;
  return quotaClientOf(request);
}
