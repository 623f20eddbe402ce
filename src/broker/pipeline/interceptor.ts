/** A hook between a request and its handler, for tests only. With it `testing/` injects faults and records requests. */
import type { HandlerResult } from '../handler.ts';
import type { ActiveRequest } from './active-request.ts';

export interface RequestInterceptor {
  /**
   * Returns the outcome of a request. `run` calls the handler, as without an interceptor; it never throws. If `intercept`
   * throws a `KafkaError` or `CloseConnection`, it counts as thrown by the handler.
   */
  intercept(request: ActiveRequest, run: () => HandlerResult<unknown>): HandlerResult<unknown>;
}
