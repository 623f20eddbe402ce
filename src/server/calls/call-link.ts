/**
 * The client's end of a stream to one node: it sends a hello, then calls. Replies may arrive in any order. The client does not
 * wait for the peer's hello before it sends calls. A peer that refuses the hello closes the stream; then all pending calls
 * fail.
 */
import { type Identity, helloFault, helloOf } from '../../base/hello.ts';
import type { Scheduler, Timer } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Address, Channel, MessageStream, PeerNetwork } from '../../base/network.ts';
import type { Call, CallFrame, Reply, ReplyFrame } from './messages.ts';

export interface CallLinkOptions {
  readonly identity: Identity;
  readonly peers: PeerNetwork;
  readonly scheduler: Scheduler;
  readonly channel: Channel<CallFrame, ReplyFrame>;
}

export class CallLink {
  readonly address: Address;
  readonly #options: CallLinkOptions;
  readonly #stream: MessageStream<CallFrame, ReplyFrame>;
  /** The callback of each pending request; it gets null when no reply will come. */
  readonly #pending = new Map<number, (reply: Reply | null) => void>();
  /** If the node at the address belongs to another cluster: that cluster's id. Else null. */
  foreignClusterId: string | null = null;
  /** The node at the address is this process itself. */
  isToItself = false;
  #isOpen = true;

  /** `to`: the node that the caller expects; null: any node at the address. */
  constructor(options: CallLinkOptions, address: Address, to: NodeId | null) {
    this.#options = options;
    this.address = address;
    this.#stream = options.peers.open(address, options.channel);
    this.#stream.onMessage = (message) => this.#received(message, to);
    this.#stream.onClose = () => this.#closed();
    this.#stream.send(helloOf(options.identity, to ?? -1));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Sends a call. Resolves to null when the stream breaks or no reply comes in time. */
  call(call: Call, timeoutMs: number): Promise<Reply | null> {
    if (!this.#isOpen) return Promise.resolve(null);
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const settle = (reply: Reply | null): void => {
        timer?.cancel();
        this.#pending.delete(call.requestId);
        resolve(reply);
      };
      timer = this.#options.scheduler.after(timeoutMs, () => settle(null));
      this.#pending.set(call.requestId, settle);
      this.#stream.send(call);
    });
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#stream.close();
    this.#closed();
  }

  #received(message: ReplyFrame, to: NodeId | null): void {
    const { identity } = this.#options;
    if (message.type === 'reply') this.#pending.get(message.requestId)?.(message);
    else if (helloFault(message, identity, to) !== null) {
      if (message.clusterId !== identity.clusterId) this.foreignClusterId = message.clusterId;
      this.close();
    } else this.isToItself = message.nodeId === identity.nodeId && message.bootId === identity.bootId;
  }

  #closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const settle of [...this.#pending.values()]) settle(null);
  }
}
