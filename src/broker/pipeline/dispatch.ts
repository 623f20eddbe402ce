/**
 * Runs a handler and makes sure that there is an outcome: a response, an error response, or the end of the connection. An error
 * that a handler throws becomes a response here. If the handler's promise rejects, the caller of `run` passes the error to
 * `failed`. An error other than `KafkaError` and `CloseConnection` is a bug, and is logged once with its stack.
 */
import { AssertionError } from '../../base/assert.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { type ErrorRow, Errors, KafkaError } from '../../protocol/errors.ts';
import { requestLogger } from '../../telemetry/log-levels.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { CloseConnection, type HandlerResult } from '../handler.ts';
import type { ClientQuotas } from '../quotas/client-quotas.ts';
import type { ActiveRequest } from './active-request.ts';
import type { Authorize } from './authorize.ts';
import { ResponseEncoder } from './encode.ts';
import { genericFailure } from './failure.ts';
import type { RequestInterceptor } from './interceptor.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { HandlerTable } from './table.ts';
import { Throttling } from './throttling.ts';

export interface DispatcherOptions {
  readonly table: HandlerTable;
  readonly authorize: Authorize;
  readonly image: () => MetadataImage;
  readonly logger: Logger;
  readonly metrics: RequestMetrics;
  readonly quotas: ClientQuotas;
  /** Only tests set it. */
  readonly interceptor?: RequestInterceptor | undefined;
}

export class Dispatcher {
  readonly table: HandlerTable;
  readonly image: () => MetadataImage;
  readonly logger: Logger;
  readonly metrics: RequestMetrics;
  readonly throttling: Throttling;
  readonly #requestLogger: Logger;
  readonly #authorize: Authorize;
  readonly #interceptor: RequestInterceptor | null;
  readonly #encoder = new ResponseEncoder();

  constructor(options: DispatcherOptions) {
    this.table = options.table;
    this.image = options.image;
    this.logger = options.logger;
    this.metrics = options.metrics;
    this.throttling = new Throttling(options.quotas);
    this.#requestLogger = options.logger.child('RequestChannel');
    this.#authorize = options.authorize;
    this.#interceptor = options.interceptor ?? null;
  }

  /** Runs the handler. It never throws. A result of type `CloseConnection` closes the connection. */
  run(request: ActiveRequest): HandlerResult<unknown> {
    const interceptor = this.#interceptor;
    if (interceptor === null) return this.#handle(request);
    try {
      return interceptor.intercept(request, () => this.#handle(request));
    } catch (error) {
      return this.failed(request, error);
    }
  }

  #handle(request: ActiveRequest): HandlerResult<unknown> {
    try {
      if (request.unsupported) return request.handler.unsupportedVersion?.(request);
      const refused = this.#authorize(request);
      if (refused !== null) return this.#failure(request, refused, null);
      return request.handler.handle(request.body, request);
    } catch (error) {
      return this.failed(request, error);
    }
  }

  /** The response to a request whose handler has thrown `error`, or `CloseConnection`. */
  failed(request: ActiveRequest, error: unknown): unknown {
    if (error instanceof CloseConnection) return error;
    if (error instanceof KafkaError) return this.#failure(request, error.error, error.message);
    this.#logBug(request, error);
    return this.#failure(request, Errors.UNKNOWN_SERVER_ERROR, null);
  }

  /** Called for each completed request: counts it, and logs it if `kafka.request.logger` has the level DEBUG. */
  completed(request: ActiveRequest): void {
    this.metrics.completed(request);
    if (this.#requestLogger.levels?.isEnabled(requestLogger, 'DEBUG') !== true) return;
    const { handler, apiVersion, correlationId, clientId, connection, startedMs } = request;
    this.#requestLogger.debug('Completed request', {
      api: handler.name,
      version: apiVersion,
      correlationId,
      clientId: clientId.slice(0, 64),
      remote: `${connection.remote.host}:${connection.remote.port}`,
      listener: connection.listenerName,
      principal: connection.principal,
      totalTimeMs: Number((this.metrics.nowMs() - startedMs).toFixed(3)),
    });
  }

  /** Encodes the response with its throttle time. Returns null if it cannot be encoded, which is a bug of the handler. */
  encode(request: ActiveRequest, response: unknown): readonly Uint8Array[] | null {
    try {
      return this.#encoder.encode(request, withThrottleTime(request, response));
    } catch (error) {
      this.#logBug(request, error);
      return null;
    }
  }

  #failure(request: ActiveRequest, error: ErrorRow, message: string | null): unknown {
    const { failed } = request.handler;
    try {
      if (failed !== null) return failed(request.body, error, request, message);
    } catch (bug) {
      if (bug instanceof CloseConnection) return bug;
      this.#logBug(request, bug);
    }
    return (
      genericFailure(request, error, message) ?? new CloseConnection(`${request.handler.name}: ${error.name}`)
    );
  }

  #logBug(request: ActiveRequest, error: unknown): void {
    this.metrics.failed(request);
    const { handler, apiVersion, correlationId, clientId } = request;
    this.logger.error('unexpected error while handling a request', {
      api: handler.name,
      version: apiVersion,
      correlationId,
      clientId: clientId.slice(0, 64),
      assertion: error instanceof AssertionError,
      error,
    });
  }
}

/** A handler may return the same object again, so the response is not changed. */
function withThrottleTime({ handler, throttleTimeMs }: ActiveRequest, response: unknown): unknown {
  if (throttleTimeMs === 0 || handler.response.fields.throttleTimeMs === undefined) return response;
  return { ...(response as object), throttleTimeMs };
}
