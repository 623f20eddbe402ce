/**
 * Sends requests to the active controller, on whichever node it is. Implemented by `server/controller/controller-client.ts`; tests
 * have their own.
 */
import type { Infer, Init, Message, Shape } from '../protocol/schema/fields.ts';

export interface ControllerRequestOptions {
  /** How long to look for an active controller and wait for its response, from now. Default: `controllerDeadlineMsDefault`. */
  readonly deadlineMs?: number;
  /** The principal whose request a broker forwards: `User:alice`. The node itself when absent. */
  readonly principal?: string;
  readonly clientId?: string;
}

export const controllerDeadlineMsDefault = 30_000;

export interface ControllerClient {
  /**
   * Sends an encoded request body and resolves to the encoded body of the response. Finds the active controller and retries over
   * changes of the controller until the deadline; then rejects with `KafkaError(REQUEST_TIMED_OUT)`. A request whose stream broke
   * is sent again: every request to the controller is safe to repeat, if only because the second one is refused.
   */
  send(
    apiKey: number,
    apiVersion: number,
    body: Uint8Array,
    options?: ControllerRequestOptions,
  ): Promise<Uint8Array>;
  /** As `send`, with typed messages. */
  request<Q extends Shape, S extends Shape>(
    request: Message<Q>,
    response: Message<S>,
    apiVersion: number,
    init: Init<Message<Q>>,
    options?: ControllerRequestOptions,
  ): Promise<Infer<Message<S>>>;
}
