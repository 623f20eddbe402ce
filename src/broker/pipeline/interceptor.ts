/**
 * Where a test stands between a request and its handler. Production composes none; `testing/` composes one for faults and for
 * the record of requests.
 */
import type { HandlerResult } from '../handler.ts';
import type { ActiveRequest } from './active-request.ts';

export interface RequestInterceptor {
  /**
   * Gives the outcome of a request. `run` does what would be done without the interceptor, and never throws. A thrown
   * `KafkaError` or `CloseConnection` counts as if the handler had thrown it.
   */
  intercept(request: ActiveRequest, run: () => HandlerResult<unknown>): HandlerResult<unknown>;
}
