/**
 * This node's stream to one other controller, on which it sends; what the other sends comes on the stream that it opened,
 * or on this one while it has none.
 * Opens, says hello, waits for the answer, opens again after a break with growing pauses. While it isn't up, messages are
 * dropped: Raft sends again.
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
/** A stream that isn't answered is given up: the host may be gone without a word. */
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

  /** A message of the peer arrived: it runs, so the next attempt is made at once. */
  hurry(): void {
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
