/**
 * A stream of calls to one broker, opened by the broker that asks. Calls do not wait for the other broker's hello; a broker that
 * refuses ours closes the stream, and with it the calls.
 */
import type { Scheduler, Timer } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Address, MessageStream, PeerNetwork } from '../../base/network.ts';
import { decode, encode } from '../../protocol/codec/codec.ts';
import { Call, CallHello, Reply } from './messages.ts';

export interface CallLinkOptions {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly peers: PeerNetwork;
  readonly scheduler: Scheduler;
}

export class CallLink {
  readonly #scheduler: Scheduler;
  readonly #stream: MessageStream;
  /** What to do with the reply to a call; null: there will be none. */
  readonly #pending = new Map<number, (reply: Reply | null) => void>();
  #nextCallId = 1;
  #isGreeted = false;
  #isOpen = true;

  constructor(options: CallLinkOptions, address: Address, to: NodeId) {
    const { clusterId, nodeId } = options;
    this.#scheduler = options.scheduler;
    this.#stream = options.peers.open(address, 'broker');
    this.#stream.onMessage = (message) => this.#received(message, options, to);
    this.#stream.onClose = () => this.#closed();
    this.#stream.send(encode(CallHello, 0, { clusterId, brokerId: nodeId, toBrokerId: to }));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Null when the stream broke or no reply came in time. */
  call(apiKey: number, apiVersion: number, body: Uint8Array, deadlineMs: number): Promise<Reply | null> {
    if (!this.#isOpen) return Promise.resolve(null);
    const callId = this.#nextCallId++;
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const settle = (reply: Reply | null): void => {
        timer?.cancel();
        this.#pending.delete(callId);
        resolve(reply);
      };
      timer = this.#scheduler.after(deadlineMs, () => settle(null));
      this.#pending.set(callId, settle);
      this.#stream.send(encode(Call, 0, { callId, apiKey, apiVersion, body }));
    });
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#stream.close();
    this.#closed();
  }

  #received(message: Uint8Array, { clusterId, nodeId }: CallLinkOptions, to: NodeId): void {
    try {
      if (this.#isGreeted) {
        const reply = decode(Reply, 0, message);
        this.#pending.get(reply.callId)?.(reply);
        return;
      }
      const hello = decode(CallHello, 0, message);
      this.#isGreeted = true;
      if (hello.clusterId !== clusterId || hello.brokerId !== to || hello.toBrokerId !== nodeId) this.close();
    } catch {
      // Not the protocol between nodes: as good as no broker at all.
      this.close();
    }
  }

  #closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const settle of [...this.#pending.values()]) settle(null);
  }
}
