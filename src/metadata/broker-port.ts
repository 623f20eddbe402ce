/**
 * The port for Kafka requests to other brokers, such as WriteTxnMarkers. They are sent on the streams between the nodes.
 * `server/calls/broker-client.ts` implements it; tests have their own implementation.
 */
import type { NodeId } from '../base/ids.ts';
import type { Infer, Init, Message, Shape } from '../protocol/schema/fields.ts';

export interface BrokerRequestOptions {
  /** How long to wait for the response. Default: `brokerDeadlineMsDefault`. */
  readonly deadlineMs?: number;
}

export const brokerDeadlineMsDefault = 30_000;

export interface BrokerClient {
  /**
   * Sends one request to `broker`, which may be this broker, and resolves to its response. The request is sent once only.
   *
   * Rejects with `KafkaError(NETWORK_EXCEPTION)` when the metadata has no such broker or has it as fenced, the connection
   * breaks or the deadline passes. The broker may still have carried out the request; the caller decides whether to send it
   * again. Rejects with UNSUPPORTED_VERSION when the broker does not support the version, and with INVALID_REQUEST when the
   * request is too large or the broker cannot decode it.
   */
  request<Q extends Shape, S extends Shape>(
    broker: NodeId,
    request: Message<Q>,
    response: Message<S>,
    apiVersion: number,
    init: Init<Message<Q>>,
    options?: BrokerRequestOptions,
  ): Promise<Infer<Message<S>>>;
}
