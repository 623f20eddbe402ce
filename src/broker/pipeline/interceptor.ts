/**
 * A test's hook between a request and its handler. Production has none; `testing/` uses one to inject faults and to record
 * requests.
 */
import type { HandlerResult } from '../handler.ts';
import type { ActiveRequest } from './active-request.ts';

export interface RequestInterceptor {
  /**
   * Returns the outcome of a request. `run` calls the handler as without an interceptor, and never throws. A thrown `KafkaError` or
   * `CloseConnection` counts as thrown by the handler.
   */
  intercept(request: ActiveRequest, run: () => HandlerResult<unknown>): HandlerResult<unknown>;
}
