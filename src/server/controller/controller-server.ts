/**
 * Receives the calls of other nodes to the active controller, on streams of the channel 'controller', and passes them to the
 * driver. It also tells the driver when a broker's stream broke.
 */
import type { Identity } from '../../base/hello.ts';
import type { NodeId } from '../../base/ids.ts';
import type { MessageStream } from '../../base/network.ts';
import { BrokerRegistrationRequest } from '../../protocol/messages/brokers/62-broker-registration.ts';
import { BrokerHeartbeatRequest } from '../../protocol/messages/brokers/63-broker-heartbeat.ts';
import type { LeaderView } from '../../raft/api.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Caller, CallServer } from '../calls/call-server.ts';
import type { CallFrame, ReplyFrame } from '../calls/messages.ts';
import type { ControllerDriver } from './controller-driver.ts';

export interface ControllerServerOptions {
  readonly identity: Identity;
  readonly driver: ControllerDriver;
  readonly leader: () => LeaderView;
  readonly logger: Logger;
}

/** Requests that only a broker sends, and only for itself. The stream that carries them is that of the broker's process. */
const brokersOwn: readonly number[] = [BrokerRegistrationRequest.key, BrokerHeartbeatRequest.key];

export class ControllerServer {
  readonly #server: CallServer;
  /** By broker: the newest stream that carried its registration or a heartbeat. */
  readonly #streamOf = new Map<NodeId, Caller>();

  constructor({ identity, driver, leader, logger }: ControllerServerOptions) {
    this.#server = new CallServer({
      identity,
      leader,
      logger,
      answer: (call, caller) => {
        const { nodeId, bootId } = caller.hello;
        if (brokersOwn.includes(call.apiKey)) this.#streamOf.set(nodeId, caller);
        return driver.submit(call, { nodeId, bootId, isAwaited: caller.isAwaited });
      },
      onGone: (caller) => {
        const { nodeId } = caller.hello;
        if (this.#streamOf.get(nodeId) !== caller) return;
        this.#streamOf.delete(nodeId);
        driver.brokerStreamBroken(nodeId);
      },
    });
  }

  accept(stream: MessageStream<ReplyFrame, CallFrame>): void {
    this.#server.accept(stream);
  }

  close(): void {
    this.#server.close();
  }
}
