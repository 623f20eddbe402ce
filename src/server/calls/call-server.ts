/** Serves the calls of other brokers. A stream whose hello does not fit, or that can not be read, is closed, and nothing else is. */
import type { NodeId } from '../../base/ids.ts';
import type { MessageStream } from '../../base/network.ts';
import type { PeerRequests } from '../../broker/pipeline/peer-requests.ts';
import { decode, encode } from '../../protocol/codec/codec.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Call, CallHello, Reply } from './messages.ts';

/** `KafkaServer` is one. */
export interface PeerHost {
  beginPeer(): PeerRequests;
  endPeer(peer: PeerRequests): void;
}

export interface CallServerOptions {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly host: PeerHost;
  readonly logger: Logger;
}

const empty = new Uint8Array(0);

export class CallServer {
  readonly #options: CallServerOptions;
  readonly #streams = new Set<MessageStream>();

  constructor(options: CallServerOptions) {
    this.#options = options;
  }

  accept(stream: MessageStream): void {
    this.#streams.add(stream);
    stream.onClose = () => this.#streams.delete(stream);
    stream.onMessage = (message) => {
      try {
        this.#greet(stream, decode(CallHello, 0, message));
      } catch (error) {
        this.#refuse(stream, error);
      }
    };
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  #greet(stream: MessageStream, hello: CallHello): void {
    const { clusterId, nodeId, host } = this.#options;
    if (hello.clusterId !== clusterId) throw new Error(`the caller belongs to cluster ${hello.clusterId}`);
    if (hello.toBrokerId !== nodeId) throw new Error(`the caller means broker ${hello.toBrokerId}`);
    stream.send(encode(CallHello, 0, { clusterId, brokerId: nodeId, toBrokerId: hello.brokerId }));
    const peer = host.beginPeer();
    stream.onClose = () => {
      this.#streams.delete(stream);
      host.endPeer(peer);
    };
    const clientId = `broker-${hello.brokerId}`;
    stream.onMessage = (message) => {
      try {
        void this.#serve(stream, peer, decode(Call, 0, message), clientId);
      } catch (error) {
        this.#refuse(stream, error);
        host.endPeer(peer);
      }
    };
  }

  async #serve(stream: MessageStream, peer: PeerRequests, call: Call, clientId: string): Promise<void> {
    const reply = (errorCode: number, errorMessage: string | null, body: Uint8Array): void => {
      stream.send(encode(Reply, 0, { callId: call.callId, errorCode, errorMessage, body }));
    };
    try {
      reply(0, null, await peer.answer(call, clientId));
    } catch (error) {
      const { apiKey, apiVersion } = call;
      if (error instanceof KafkaError) return reply(error.code, error.message, empty);
      this.#options.logger.error('A call of another broker failed', { apiKey, apiVersion, error });
      reply(Errors.UNKNOWN_SERVER_ERROR.code, null, empty);
    }
  }

  #refuse(stream: MessageStream, error: unknown): void {
    this.#options.logger.warn('A stream of another broker was refused', { error });
    this.#streams.delete(stream);
    stream.close();
  }
}
