/**
 * Message streams inside one process, for unit tests of code that uses `PeerNetwork`. Messages arrive in order, each in a later
 * turn of the scheduler. The network of `network.ts` has delays and faults besides.
 *
 * Invariants: an end receives nothing before its owner could set the callbacks. Nothing is delivered after a close or a break.
 * `send` returns false when more than `windowBytes` are undelivered; `onDrain` is called when there is room again.
 */
import type { Scheduler } from '../base/clock.ts';
import type {
  Address,
  Channel,
  ChannelName,
  MessageStream,
  PeerMessage,
  PeerNetwork,
} from '../base/network.ts';
import { copyOf } from './carried.ts';

const windowBytesDefault = 1024 * 1024;

class StreamEnd implements MessageStream {
  onMessage: (message: PeerMessage) => void = () => {};
  onClose: (error: Error | null) => void = () => {};
  onDrain: () => void = () => {};
  other: StreamEnd | null = null;
  isOpen = true;
  readonly #scheduler: Scheduler;
  readonly #windowBytes: number;
  #queuedBytes = 0;
  #isStalled = false;

  constructor(scheduler: Scheduler, windowBytes: number) {
    this.#scheduler = scheduler;
    this.#windowBytes = windowBytes;
  }

  send(message: PeerMessage): boolean {
    const to = this.other;
    if (!this.isOpen || to === null) return true;
    const { data, sizeBytes } = copyOf(message);
    this.#queuedBytes += sizeBytes;
    this.#scheduler.soon(() => {
      this.#queuedBytes -= sizeBytes;
      if (to.isOpen) to.onMessage(data);
      if (!this.#isStalled || this.#queuedBytes > this.#windowBytes / 2 || !this.isOpen) return;
      this.#isStalled = false;
      this.onDrain();
    });
    if (this.#queuedBytes > this.#windowBytes) this.#isStalled = true;
    return !this.#isStalled;
  }

  /** Ends both sides; messages sent before are still delivered. */
  close(reason?: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const { other } = this;
    const error = reason === undefined ? null : new Error(reason);
    this.#scheduler.soon(() => other?.broken(error));
    this.#scheduler.soon(() => this.onClose(null));
  }

  broken(error: Error | null): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.onClose(error);
  }
}

/** Two ends of one stream. */
export function streamPair(
  scheduler: Scheduler,
  windowBytes: number = windowBytesDefault,
): [MessageStream, MessageStream] {
  return endPair(scheduler, windowBytes);
}

function endPair(scheduler: Scheduler, windowBytes: number): [StreamEnd, StreamEnd] {
  const left = new StreamEnd(scheduler, windowBytes);
  const right = new StreamEnd(scheduler, windowBytes);
  left.other = right;
  right.other = left;
  return [left, right];
}

interface Accepting {
  readonly onStream: (stream: MessageStream) => void;
}

interface OpenPair {
  readonly from: string;
  readonly to: string;
  readonly ends: readonly [StreamEnd, StreamEnd];
}

/** A network in memory that connects the nodes of one process by streams; each node has a host name. */
export class StreamHub {
  readonly #scheduler: Scheduler;
  readonly #accepting = new Map<string, Accepting>();
  #pairs: OpenPair[] = [];
  readonly #cut = new Set<string>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** The port of the node with host name `host`. */
  join(host: string): PeerNetwork {
    return {
      open: <C extends PeerMessage, S extends PeerMessage>(address: Address, channel: Channel<C, S>) =>
        this.#open(host, address, channel.name) as unknown as MessageStream<C, S>,
      accept: <C extends PeerMessage, S extends PeerMessage>(
        channel: Channel<C, S>,
        onStream: (stream: MessageStream<S, C>) => void,
      ) => {
        const accepting = onStream as unknown as (stream: MessageStream) => void;
        this.#accepting.set(`${host}/${channel.name}`, { onStream: accepting });
      },
    };
  }

  /** Breaks all streams of a host and refuses new ones until `restore`. */
  isolate(host: string): void {
    this.#cut.add(host);
    this.breakStreams(host);
  }

  restore(host: string): void {
    this.#cut.delete(host);
  }

  /** Breaks all streams of a host; new ones can be opened immediately. */
  breakStreams(host: string): void {
    const broken = this.#pairs.filter((pair) => pair.from === host || pair.to === host);
    this.#pairs = this.#pairs.filter((pair) => !broken.includes(pair));
    const error = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    for (const pair of broken) for (const end of pair.ends) end.broken(error);
  }

  #open(from: string, address: Address, channel: ChannelName): MessageStream {
    const accepting = this.#accepting.get(`${address.host}/${channel}`);
    const ends = endPair(this.#scheduler, windowBytesDefault);
    const [ours, theirs] = ends;
    if (accepting === undefined || this.#cut.has(from) || this.#cut.has(address.host)) {
      this.#scheduler.soon(() => ours.broken(new Error('connect ECONNREFUSED')));
      return ours;
    }
    this.#pairs = this.#pairs.filter((pair) => pair.ends[0].isOpen);
    this.#pairs.push({ from, to: address.host, ends });
    // The acceptor gets the stream before any message: messages are delivered in later turns, in the order in which they were
    // scheduled.
    this.#scheduler.soon(() => {
      if (theirs.isOpen) accepting.onStream(theirs);
    });
    return ours;
  }
}
