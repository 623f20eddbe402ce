/** Serves the controller to peers: calls on streams of the channel 'controller', and the hint that a broker's stream broke. */
import type { NodeId } from '../../base/ids.ts';
import { nodeId } from '../../base/ids.ts';
import type { MessageStream } from '../../base/network.ts';
import { decode, encode } from '../../protocol/codec/codec.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { BrokerRegistrationRequest } from '../../protocol/messages/62-broker-registration.ts';
import { BrokerHeartbeatRequest } from '../../protocol/messages/63-broker-heartbeat.ts';
import type { LeaderView } from '../../raft/api.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ControllerDriver } from './controller-driver.ts';
import { ControllerAnswer, ControllerCall } from './envelope.ts';

export interface ControllerServerOptions {
  readonly driver: ControllerDriver;
  readonly leader: () => LeaderView;
  readonly logger: Logger;
}

const empty = new Uint8Array(0);

export class ControllerServer {
  readonly #options: ControllerServerOptions;
  readonly #streams = new Set<MessageStream>();
  /** The newest stream on which a broker registered or beat. */
  readonly #streamOf = new Map<NodeId, MessageStream>();

  constructor(options: ControllerServerOptions) {
    this.#options = options;
  }

  accept(stream: MessageStream): void {
    this.#streams.add(stream);
    stream.onMessage = (message) => this.#onMessage(stream, message);
    stream.onClose = () => {
      this.#streams.delete(stream);
      for (const [id, current] of this.#streamOf) {
        if (current !== stream) continue;
        this.#streamOf.delete(id);
        this.#options.driver.brokerStreamBroken(id);
      }
    };
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  #onMessage(stream: MessageStream, message: Uint8Array): void {
    let call: ControllerCall;
    try {
      call = decode(ControllerCall, 0, message);
      this.#remember(stream, call);
    } catch (error) {
      this.#options.logger.warn('A peer sent garbage to the controller', { error });
      stream.close();
      return;
    }
    const { leader } = this.#options;
    const answer = (errorCode: number, errorMessage: string | null, body: Uint8Array): void => {
      const { id, epoch } = leader();
      const { correlationId } = call;
      stream.send(
        encode(ControllerAnswer, 0, {
          correlationId,
          errorCode,
          errorMessage,
          leaderId: id ?? -1,
          epoch,
          body,
        }),
      );
    };
    const isAwaited = (): boolean => this.#streams.has(stream);
    this.#options.driver.submit(call, isAwaited).then(
      (body) => answer(0, null, body),
      (error: unknown) => {
        if (error instanceof KafkaError) answer(error.code, error.message, empty);
        else {
          this.#options.logger.warn('A request to the controller could not be read', { error });
          answer(Errors.INVALID_REQUEST.code, null, empty);
        }
      },
    );
  }

  /** Registrations and heartbeats tell whose stream this is. */
  #remember(stream: MessageStream, call: ControllerCall): void {
    if (call.apiKey === BrokerRegistrationRequest.key) {
      this.#streamOf.set(
        nodeId(decode(BrokerRegistrationRequest, call.apiVersion, call.body).brokerId),
        stream,
      );
    } else if (call.apiKey === BrokerHeartbeatRequest.key) {
      this.#streamOf.set(nodeId(decode(BrokerHeartbeatRequest, call.apiVersion, call.body).brokerId), stream);
    }
  }
}
