/** Receives the calls of other brokers and passes them to the request handlers of this broker. */
import type { Identity } from '../../base/hello.ts';
import type { MessageStream } from '../../base/network.ts';
import type { PeerRequests } from '../../broker/pipeline/peer-requests.ts';
import type { LeaderView } from '../../raft/api.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Caller, CallServer } from './call-server.ts';
import type { CallFrame, ReplyFrame } from './messages.ts';

/** What handles the calls: `KafkaServer` implements it. `beginPeer` is called for each stream, `endPeer` at its end. */
export interface PeerHost {
  beginPeer(): PeerRequests;
  endPeer(peer: PeerRequests): void;
}

export interface BrokerServerOptions {
  readonly identity: Identity;
  readonly host: PeerHost;
  readonly leader: () => LeaderView;
  readonly logger: Logger;
}

export class BrokerServer {
  readonly #server: CallServer;
  readonly #peers = new Map<Caller, PeerRequests>();

  constructor({ identity, host, leader, logger }: BrokerServerOptions) {
    this.#server = new CallServer({
      identity,
      leader,
      logger,
      answer: (call, caller) => {
        let peer = this.#peers.get(caller);
        if (peer === undefined) {
          peer = host.beginPeer();
          this.#peers.set(caller, peer);
        }
        return peer.answer(call);
      },
      onGone: (caller) => {
        const peer = this.#peers.get(caller);
        this.#peers.delete(caller);
        if (peer !== undefined) host.endPeer(peer);
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
