/** A request from its start until its response is sent: the handler's context, and the pipeline's state of it. */
import type { MetadataImage } from '../../metadata/image.ts';
import type { ConnectionInfo, Handler, RequestContext } from '../handler.ts';
import type { DecodedRequest } from './decode.ts';

export class ActiveRequest implements RequestContext {
  readonly handler: Handler;
  readonly body: unknown;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly connection: ConnectionInfo;
  /** The version is not supported, and the handler has a response for that. */
  readonly unsupported: boolean;
  readonly image: MetadataImage;
  /** Monotonic time at which its handler was called. */
  readonly startedMs: number;
  /** Bytes of the budget that the request holds. */
  frameBytes: number;
  /** The response, once complete; null for none. */
  buffers: readonly Uint8Array[] | null = null;
  done = false;
  #onClose: (() => void)[] | null = null;
  #onSent: (() => void)[] | null = null;
  #closed = false;

  constructor(request: DecodedRequest, connection: ConnectionInfo, image: MetadataImage, startedMs: number) {
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

  /** The response is complete: drops its pending work. */
  completed(): void {
    this.#onClose = null;
  }

  /** For the output queue; null when the handler registered no callback. */
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
