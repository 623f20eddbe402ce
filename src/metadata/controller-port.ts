/**
 * The port for requests to the active controller, whichever node it is. `server/controller/controller-client.ts` implements it;
 * tests have their own implementation.
 */
import type { Infer, Init, Message, Shape } from '../protocol/schema/fields.ts';

export interface ControllerRequestOptions {
  /** How long to look for an active controller and wait for its response. Default: `controllerDeadlineMsDefault`. */
  readonly deadlineMs?: number;
  /**
   * The principal of the client whose request a broker forwards, as `User:alice`. Absent when the request is the node's own.
   */
  readonly principal?: string;
  readonly clientId?: string;
}

export const controllerDeadlineMsDefault = 30_000;

export interface ControllerClient {
  /**
   * Sends an encoded request body and resolves to the encoded body of the response. It finds the active controller, and retries
   * when another one becomes active. At the deadline it rejects with `KafkaError(REQUEST_TIMED_OUT)`.
   *
   * When the stream breaks before the response, the request is sent again, so the controller may get it twice. Every request to
   * the controller can be repeated safely: the second one has no effect, is refused, or only reserves another block of producer
   * ids.
   */
  send(
    apiKey: number,
    apiVersion: number,
    body: Uint8Array,
    options?: ControllerRequestOptions,
  ): Promise<Uint8Array>;
  /** Like `send`, but with decoded messages. */
  request<Q extends Shape, S extends Shape>(
    request: Message<Q>,
    response: Message<S>,
    apiVersion: number,
    init: Init<Message<Q>>,
    options?: ControllerRequestOptions,
  ): Promise<Infer<Message<S>>>;
}
