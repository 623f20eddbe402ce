/**
 * A request from its start until its response is sent: the context that the handler gets, and the state that the pipeline
 * keeps.
 */
import type { MetadataImage } from '../../metadata/image.ts';
import type { ConnectionInfo, Handler, RequestContext } from '../handler.ts';
import type { QuotaType } from '../quotas/client-quotas.ts';
import type { QuotaClient } from '../quotas/quota-table.ts';
import type { DecodedRequest } from './decode.ts';

export class ActiveRequest implements RequestContext {
  readonly handler: Handler;
  readonly body: unknown;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly connection: ConnectionInfo;
  /** Whether the version is not supported, but the handler has a response for that (ApiVersions). */
  readonly unsupported: boolean;
  readonly image: MetadataImage;
  /** Monotonic time at which the handler was called. */
  readonly startedMs: number;
  /** How many bytes of the memory budget the request holds. */
  frameBytes: number;
  /** The encoded response when it is complete. Null: not complete, or there is no response. */
  buffers: readonly Uint8Array[] | null = null;
  done = false;
  /** The quota that throttles the client because of this request, and for how long. */
  throttledBy: QuotaType = 'Request';
  throttleTimeMs = 0;
  /** When the client may send again, if this request exceeded a quota already at its start (Produce); otherwise 0. */
  throttledUntilMs = 0;
  /** The client whose `request_percentage` is charged for the request's time of the event loop; null: none. */
  charged: QuotaClient | null = null;
  #onClose: (() => void)[] | null = null;
  #onSent: (() => void)[] | null = null;
  readonly #onResumed: ((request: ActiveRequest) => void) | null;
  #closed = false;

  /** `onResumed`: see `RequestContext.resumed`. */
  constructor(
    request: DecodedRequest,
    connection: ConnectionInfo,
    image: MetadataImage,
    startedMs: number,
    onResumed: ((request: ActiveRequest) => void) | null = null,
  ) {
    this.startedMs = startedMs;
    this.handler = request.handler;
    this.body = request.body;
    this.apiKey = request.handler.apiKey;
    this.apiVersion = request.apiVersion;
    this.correlationId = request.correlationId;
    this.clientId = request.clientId;
    this.connection = connection;
    this.unsupported = request.unsupported;
    this.image = image;
    this.frameBytes = request.frameBytes;
    this.#onResumed = onResumed;
  }

  resumed(): void {
    this.#onResumed?.(this);
  }

  throttle(type: QuotaType, timeMs: number): void {
    if (timeMs <= this.throttleTimeMs) return;
    this.throttledBy = type;
    this.throttleTimeMs = timeMs;
  }

  onClose(callback: () => void): void {
    if (this.#closed) {
      callback();
      return;
    }
    this.#onClose ??= [];
    this.#onClose.push(callback);
  }

  onSent(callback: () => void): void {
    if (this.#closed) {
      callback();
      return;
    }
    this.#onSent ??= [];
    this.#onSent.push(callback);
  }

  /** Called when the response is complete: forgets the callbacks of `onClose`. */
  completed(): void {
    this.#onClose = null;
  }

  /** The callback for the output queue; null if the handler has registered none. */
  onSentCallback(): (() => void) | null {
    return this.#onSent === null ? null : () => this.sent();
  }

  sent(): void {
    const callbacks = this.#onSent;
    this.#onSent = null;
    if (callbacks !== null) for (const callback of callbacks) callback();
  }

  connectionClosed(): void {
    this.#closed = true;
    const callbacks = this.#onClose;
    this.#onClose = null;
    if (callbacks !== null) for (const callback of callbacks) callback();
    this.sent();
  }
}
