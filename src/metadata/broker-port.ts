/**
 * Sends Kafka requests to other brokers over the streams between nodes (such as WriteTxnMarkers). Implemented by
 * `server/calls/broker-client.ts`; tests have their own.
 */
import type { NodeId } from '../base/ids.ts';
import type { Infer, Init, Message, Shape } from '../protocol/schema/fields.ts';

export interface BrokerRequestOptions {
  /** How long to wait for the response, from now. Default: `brokerDeadlineMsDefault`. */
  readonly deadlineMs?: number;
}

export const brokerDeadlineMsDefault = 30_000;

export interface BrokerClient {
  /**
   * Sends one request to `broker`, which may be this broker, and resolves to its response. The request is sent once. Rejects with
   * `KafkaError(NETWORK_EXCEPTION)` when metadata does not have the broker, the connection breaks or the deadline passes; the
   * broker may then have carried out the request, and the caller decides whether to send it again. Rejects with
   * `KafkaError(UNSUPPORTED_VERSION)` when the broker does not support the version, and INVALID_REQUEST when it cannot decode the
   * request.
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
