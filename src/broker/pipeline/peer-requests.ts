/**
 * The requests of one other broker, which come over a stream between nodes, or those of this broker to itself. The handlers are
 * the same as for clients. Responses are sent in the order in which they complete.
 */
import type { Address } from '../../base/network.ts';
import { decode, DecodeError, encode } from '../../protocol/codec/codec.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { Init, Message } from '../../protocol/schema/fields.ts';
import { CloseConnection, type ConnectionInfo, noResponse, type TwoPhase } from '../handler.ts';
import { peerRequestsInFlightMax } from '../limits.ts';
import { ActiveRequest } from './active-request.ts';
import type { Dispatcher } from './dispatch.ts';

export interface PeerRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly clientId: string;
  /** The encoded body of the request, without a header. */
  readonly body: Uint8Array;
}

/** Stands for the address of the other broker: a stream between nodes has none. */
const noAddress: Address = { host: '', port: -1 };

export class PeerRequests {
  readonly #dispatcher: Dispatcher;
  readonly #connection: ConnectionInfo;
  readonly #active = new Set<ActiveRequest>();
  #isClosed = false;

  /** `id`: unique among all connections of clients and of other brokers. */
  constructor(dispatcher: Dispatcher, id: number, listenerName: string) {
    this.#dispatcher = dispatcher;
    this.#connection = {
      id,
      listenerName,
      listenerKind: 'broker',
      local: noAddress,
      remote: noAddress,
      principal: 'User:ANONYMOUS',
    };
  }

  /**
   * Handles a request and resolves to the encoded response. Rejects with a `KafkaError`: UNSUPPORTED_VERSION; INVALID_REQUEST
   * if the body cannot be decoded, if the request has no response, or if the connection of a client would be closed;
   * NETWORK_EXCEPTION if too many requests are in progress or the broker stops.
   */
  async answer(request: PeerRequest): Promise<Uint8Array> {
    if (this.#isClosed || this.#active.size >= peerRequestsInFlightMax)
      throw new KafkaError(Errors.NETWORK_EXCEPTION);
    const active = this.#decode(request);
    this.#active.add(active);
    try {
      const response = await this.#run(active);
      return this.#encode(active, response);
    } finally {
      this.#active.delete(active);
      active.completed();
      active.sent();
      this.#dispatcher.completed(active);
    }
  }

  /** Called when the stream has ended or the broker stops: pending work is dropped. */
  close(): void {
    this.#isClosed = true;
    for (const request of this.#active) request.connectionClosed();
  }

  #decode({ apiKey, apiVersion, clientId, body }: PeerRequest): ActiveRequest {
    const { table, image, metrics } = this.#dispatcher;
    const handler = table.get('broker', apiKey);
    if (handler === null || apiVersion < handler.minVersion || apiVersion > handler.maxVersion) {
      const name = handler?.name ?? `with api key ${apiKey}`;
      throw new KafkaError(
        Errors.UNSUPPORTED_VERSION,
        `This broker does not serve version ${apiVersion} of request ${name}.`,
      );
    }
    try {
      const decoded = {
        handler,
        apiVersion,
        correlationId: 0,
        clientId,
        body: decode(handler.request, apiVersion, body),
        frameBytes: body.length,
        unsupported: false,
      };
      return new ActiveRequest(decoded, this.#connection, image(), metrics.nowMs());
    } catch (error) {
      if (error instanceof DecodeError) throw new KafkaError(Errors.INVALID_REQUEST, error.message);
      throw error;
    }
  }

  async #run(request: ActiveRequest): Promise<unknown> {
    try {
      const result: unknown = await this.#dispatcher.run(request);
      const isTwoPhase = typeof result === 'object' && result !== null && 'ordered' in result;
      return isTwoPhase ? await (result as TwoPhase<unknown>).response : result;
    } catch (error) {
      return this.#dispatcher.failed(request, error);
    }
  }

  #encode(request: ActiveRequest, response: unknown): Uint8Array {
    if (response instanceof CloseConnection) throw new KafkaError(Errors.INVALID_REQUEST, response.message);
    if (response === noResponse) throw new KafkaError(Errors.INVALID_REQUEST, 'The request has no response.');
    return encode(request.handler.response, request.apiVersion, response as Init<Message>);
  }
}
