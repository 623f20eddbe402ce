/**
 * This node's outgoing stream to one other controller (the peer). The link opens the stream, sends a hello and waits for the
 * peer's hello; when the stream breaks, it opens it again, with growing delays. While there is no open stream, messages are
 * dropped, because Raft sends them again. The peer sends its messages on the stream that it has opened to this node, or on this
 * one while it has none.
 */
import type { Scheduler, Timer } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Address, MessageStream, PeerNetwork } from '../../base/network.ts';
import { below, type Random } from '../../base/random.ts';
import type { ReplicaKey } from '../../raft/types.ts';
import { type RaftFrame, raftChannel } from './channels.ts';
import type { Greeter } from './greeter.ts';

const retryMsMin = 20;
const retryMsMax = 500;
/**
 * A stream on which no hello arrives for this long is closed: the peer's machine may have stopped without closing the
 * connection.
 */
const helloTimeoutMs = 2000;

type RaftStream = MessageStream<RaftFrame, RaftFrame>;

export interface PeerLinkOptions {
  /** Null: any node at the address. */
  readonly peer: NodeId | null;
  readonly address: Address;
  readonly peers: PeerNetwork;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly greeter: Greeter;
  readonly onMessage: (stream: RaftStream, from: ReplicaKey, message: RaftFrame) => void;
  readonly onUp: (key: ReplicaKey) => void;
  readonly onDown: () => void;
}

export class PeerLink {
  readonly #options: PeerLinkOptions;
  #stream: RaftStream | null = null;
  #up = false;
  #timer: Timer | null = null;
  #failures = 0;
  #stopped = false;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#open();
  }

  get address(): Address {
    return this.#options.address;
  }
  get up(): boolean {
    return this.#up;
  }

  send(message: RaftFrame): void {
    if (this.#up) this.#stream?.send(message);
  }

  /** The peer has opened a stream to this node, so it is running: connects without waiting for the delay. */
  reconnectNow(): void {
    if (this.#stopped || this.#stream !== null) return;
    this.#failures = 0;
    this.#timer?.cancel();
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#stream?.close();
    this.#stream = null;
    this.#up = false;
  }

  #open(): void {
    const { peer, peers, address, greeter, scheduler } = this.#options;
    this.#timer = null;
    const stream = peers.open(address, raftChannel);
    this.#stream = stream;
    stream.onDrain = () => {};
    stream.onClose = () => this.#closed(stream);
    stream.onMessage = (message) => this.#answered(stream, message);
    stream.send(greeter.hello(peer));
    this.#timer = scheduler.after(helloTimeoutMs, () => {
      stream.close();
      this.#closed(stream);
    });
  }

  #answered(stream: RaftStream, message: RaftFrame): void {
    if (this.#up || stream !== this.#stream) return;
    const { greeter, peer, onMessage, onUp } = this.#options;
    const key = greeter.check(message, peer);
    if (typeof key === 'string') {
      this.#failures = 10;
      stream.close();
      this.#closed(stream);
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.#up = true;
    this.#failures = 0;
    stream.onMessage = (next) => {
      if (stream === this.#stream) onMessage(stream, key, next);
    };
    onUp(key);
  }

  #closed(stream: RaftStream): void {
    if (stream !== this.#stream || this.#stopped) return;
    const wasUp = this.#up;
    this.#stream = null;
    this.#up = false;
    this.#timer?.cancel();
    const pauseMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    const { scheduler, random, onDown } = this.#options;
    this.#timer = scheduler.after(pauseMs + below(random, pauseMs), () => this.#open());
    if (wasUp) onDown();
  }
}
