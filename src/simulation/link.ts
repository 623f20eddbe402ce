/**
 * One direction of a simulated connection. It delivers bytes or messages in order, each after a random delay. While it is cut,
 * nothing is delivered; data that is sent in the meantime is delivered when the cut ends, as TCP does by retransmission.
 */
import { type Carried, copyOf } from './carried.ts';
import type { Incarnation, SimulatedHost } from './host.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

/** The size of the send buffer: when more bytes are undelivered, `send` returns false. */
const windowBytes = 1024 * 1024;

export interface LinkFaults {
  /** Mean of the exponentially distributed delay, added to `latencyMinMs`. */
  latencyMeanMs: number;
  latencyMinMs: number;
}

/**
 * The cuts between hosts. A cut has a direction: it stops data from one host to another, not back. A direction that was cut
 * twice stays cut until both cuts have ended.
 */
export class Partitions {
  private readonly cuts = new Map<string, Set<object>>();

  /** Returns the function that ends this cut. */
  cut(from: string, to: string): () => void {
    const key = `${from}>${to}`;
    const cuts = this.cuts.get(key) ?? new Set();
    const cut = {};
    cuts.add(cut);
    this.cuts.set(key, cuts);
    return () => {
      cuts.delete(cut);
      if (cuts.size === 0 && this.cuts.get(key) === cuts) this.cuts.delete(key);
    };
  }

  /** Ends all cuts of a direction. */
  mend(from: string, to: string): void {
    this.cuts.delete(`${from}>${to}`);
  }

  heal(): void {
    this.cuts.clear();
  }

  isCut(from: string, to: string): boolean {
    return this.cuts.has(`${from}>${to}`);
  }
}

export interface LinkEnd {
  readonly host: SimulatedHost;
  readonly life: Incarnation;
}

export class Link {
  /** Set by the receiving end. */
  deliver: (data: Carried) => void = () => {};
  onDrain: () => void = () => {};
  private readonly world: World;
  private readonly from: LinkEnd;
  private readonly to: LinkEnd;
  private readonly partitions: Partitions;
  private readonly faults: LinkFaults;
  private readonly random: SeededRandom;
  private readonly queue: { data: Carried | null; sizeBytes: number; done: (() => void) | null }[] = [];
  private queuedBytes = 0;
  private lastArrivalMs = 0;
  private isStalled = false;
  private isOpen = true;

  constructor(
    world: World,
    from: LinkEnd,
    to: LinkEnd,
    partitions: Partitions,
    faults: LinkFaults,
    random: SeededRandom,
  ) {
    this.world = world;
    this.from = from;
    this.to = to;
    this.partitions = partitions;
    this.faults = faults;
    this.random = random;
  }

  /** Returns false when too many bytes are undelivered; `onDrain` is called when there is room again. */
  send(data: Carried): boolean {
    if (!this.isOpen) return true;
    const copy = copyOf(data);
    this.queuedBytes += copy.sizeBytes;
    this.enqueue(copy.data, copy.sizeBytes, null);
    if (this.queuedBytes > windowBytes) this.isStalled = true;
    return !this.isStalled;
  }

  /** Calls `done` on the receiving end after everything sent before has been delivered. */
  finish(done: () => void): void {
    if (this.isOpen) this.enqueue(null, 0, done);
  }

  /** Discards everything that is not delivered yet. */
  drop(): void {
    this.isOpen = false;
    this.queue.length = 0;
  }

  private enqueue(data: Carried | null, sizeBytes: number, done: (() => void) | null): void {
    this.queue.push({ data, sizeBytes, done });
    const delayMs = this.faults.latencyMinMs + this.random.exponential(this.faults.latencyMeanMs);
    this.lastArrivalMs = Math.max(this.lastArrivalMs, this.world.nowMs + delayMs);
    this.world.schedule(this.lastArrivalMs - this.world.nowMs, null, () => this.arrive());
  }

  private arrive(): void {
    if (!this.isOpen || this.queue.length === 0) return;
    if (this.partitions.isCut(this.from.host.name, this.to.host.name)) {
      this.world.schedule(100, null, () => this.arrive());
      return;
    }
    if (!this.to.life.isAlive) return;
    const next = this.queue.shift();
    if (next === undefined) return;
    this.to.host.perform(this.to.life, () => {
      if (next.data !== null) this.deliver(next.data);
      next.done?.();
    });
    this.release(next.sizeBytes);
  }

  private release(sizeBytes: number): void {
    this.queuedBytes -= sizeBytes;
    if (!this.isStalled || this.queuedBytes > windowBytes / 2 || !this.from.life.isAlive) return;
    this.isStalled = false;
    this.from.host.perform(this.from.life, () => this.onDrain());
  }
}
