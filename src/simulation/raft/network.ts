/**
 * The network between replicas. Each direction between two replicas is a link with delay, loss, duplication and cuts. A message
 * may arrive after its sender has ended, and at a later incarnation of its receiver. With `fifo`, messages of a link arrive in
 * order, as on a stream.
 */
import { below } from '../../base/random.ts';
import type { NodeId } from '../../base/ids.ts';
import type { RaftMessage } from '../../raft/messages.ts';
import type { ReplicaKey } from '../../raft/types.ts';
import type { SeededRandom } from '../random.ts';
import type { RaftPlan } from './plan.ts';
import type { Replica } from './replica.ts';

/** The part of the world that the network uses. */
export interface NetworkWorld {
  readonly plan: RaftPlan;
  readonly random: SeededRandom;
  readonly replicas: readonly Replica[];
  readonly nowMs: number;
  readonly calm: boolean;
  scheduleMessage(atMs: number, replica: Replica, message: RaftMessage, from: ReplicaKey): void;
}

const spikeMsMax = 700;
/** The maximum delay of a duplicate, so that it may arrive long after the original was handled. */
const lateMsMax = 1000;
const healedLatencyMsMax = 3;

export class Network {
  readonly #world: NetworkWorld;
  readonly #plan: RaftPlan;
  readonly #delays: SeededRandom;
  readonly #losses: SeededRandom;
  readonly #repeats: SeededRandom;
  readonly #count: number;
  /** The number of cuts in effect on each link. */
  readonly #cuts: Uint8Array;
  readonly #lastArrivalMs: Float64Array;
  #timesMended = 0;

  constructor(world: NetworkWorld) {
    this.#world = world;
    this.#plan = world.plan;
    this.#count = world.plan.voterCount + world.plan.spareCount;
    this.#cuts = new Uint8Array(this.#count * this.#count);
    this.#lastArrivalMs = new Float64Array(this.#count * this.#count);
    this.#delays = world.random.fork('delays');
    this.#losses = world.random.fork('losses');
    this.#repeats = world.random.fork('repeats');
  }

  /** Cuts one direction; returns the function that ends the cut. */
  cut(from: number, to: number): () => void {
    const link = from * this.#count + to;
    this.#cuts[link] = (this.#cuts[link] as number) + 1;
    const times = this.#timesMended;
    let mended = false;
    return () => {
      if (mended || times !== this.#timesMended) return;
      mended = true;
      this.#cuts[link] = (this.#cuts[link] as number) - 1;
    };
  }

  mendAll(): void {
    this.#timesMended += 1;
    this.#cuts.fill(0);
  }

  isCut(from: number, to: number): boolean {
    return this.#cuts[from * this.#count + to] !== 0;
  }

  /** Returns false when the message will not arrive: the link is cut, or the message is lost. */
  send(from: Replica, to: NodeId, message: RaftMessage): boolean {
    const target = this.#world.replicas[to - 1];
    if (target === undefined || this.isCut(from.index, target.index)) return false;
    const { calm } = this.#world;
    const { lossRatio, duplicateRatio } = this.#plan;
    if (!calm && lossRatio > 0 && this.#losses.chance(lossRatio)) return false;
    this.#deliver(from.key, from.index, target, message, this.#delayMs(calm));
    if (!calm && duplicateRatio > 0 && this.#repeats.chance(duplicateRatio)) {
      const late = this.#repeats.chance(0.1);
      const delayMs = late ? this.#repeats.between(0, lateMsMax) : this.#delayMs(calm);
      this.#deliver(from.key, from.index, target, message, delayMs);
    }
    return true;
  }

  #delayMs(calm: boolean): number {
    const { latencyMsMax, spikeRatio } = this.#plan;
    const most = calm ? Math.min(latencyMsMax, healedLatencyMsMax) : latencyMsMax;
    const delayMs = 0.1 + this.#delays.fraction() * most;
    return !calm && spikeRatio > 0 && this.#delays.chance(spikeRatio)
      ? delayMs + below(this.#delays, spikeMsMax)
      : delayMs;
  }

  #deliver(key: ReplicaKey, from: number, target: Replica, message: RaftMessage, delayMs: number): void {
    let atMs = this.#world.nowMs + delayMs;
    if (this.#plan.fifo) {
      const link = from * this.#count + target.index;
      atMs = Math.max(atMs, (this.#lastArrivalMs[link] as number) + 0.001);
      this.#lastArrivalMs[link] = atMs;
    }
    this.#world.scheduleMessage(atMs, target, message, key);
  }
}
