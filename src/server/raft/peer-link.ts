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

const retryMsMin = 20;
const retryMsMax = 500;
/** A stream that isn't answered is given up: the host may be gone without a word. */
const helloTimeoutMs = 2000;

export interface PeerLinkOptions {
  /** Null: whoever is there. */
  readonly peer: NodeId | null;
  readonly address: Address;
  readonly peers: PeerNetwork;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly hello: () => Uint8Array;
  /** Checks the answer; null when the stream is to be closed. */
  readonly checkHello: (bytes: Uint8Array, expected: NodeId | null) => ReplicaKey | null;
  readonly onMessage: (stream: MessageStream, from: ReplicaKey, bytes: Uint8Array) => void;
  readonly onUp: (key: ReplicaKey) => void;
  readonly onDown: () => void;
}

export class PeerLink {
  readonly #options: PeerLinkOptions;
  #stream: MessageStream | null = null;
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

  send(message: Uint8Array): void {
    if (this.#up) this.#stream?.send(message);
  }

  /** The peer was heard from: it runs, so do not wait for the next attempt. */
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
    const { peers, address, hello, scheduler } = this.#options;
    this.#timer = null;
    const stream = peers.open(address, 'raft');
    this.#stream = stream;
    stream.onDrain = () => {};
    stream.onClose = () => this.#closed(stream);
    stream.onMessage = (bytes) => this.#answered(stream, bytes);
    stream.send(hello());
    this.#timer = scheduler.after(helloTimeoutMs, () => {
      stream.close();
      this.#closed(stream);
    });
  }

  #answered(stream: MessageStream, bytes: Uint8Array): void {
    if (this.#up || stream !== this.#stream) return;
    const { checkHello, peer, onMessage, onUp } = this.#options;
    const key = checkHello(bytes, peer);
    if (key === null) {
      this.#failures = 10;
      stream.close();
      this.#closed(stream);
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.#up = true;
    this.#failures = 0;
    stream.onMessage = (message) => {
      if (stream === this.#stream) onMessage(stream, key, message);
    };
    onUp(key);
  }

  #closed(stream: MessageStream): void {
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
