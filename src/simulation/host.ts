/**
 * A simulated machine, which provides clock, timers and random numbers to a node. Each run of the node's process is an
 * incarnation. A crash ends the incarnation: its scheduled events are dropped and its streams break. A pause delays its events,
 * as SIGSTOP or a long garbage collection does.
 */
import type { Clock, Scheduler, Timer } from '../base/clock.ts';
import type { SeededRandom } from './random.ts';
import type { Owner, World } from './world.ts';

/** The wall clock of every simulation begins at 2026-01-01T00:00:00Z. */
const wallStartMs = 1_767_225_600_000;

/** One incarnation of a node, from start to crash. */
export class Incarnation implements Owner, Clock, Scheduler {
  isAlive = true;
  readonly random: SeededRandom;
  private readonly world: World;
  readonly host: SimulatedHost;

  constructor(world: World, host: SimulatedHost, random: SeededRandom) {
    this.world = world;
    this.host = host;
    this.random = random;
  }

  monotonicMs(): number {
    return this.world.nowMs;
  }

  wallMs(): number {
    return Math.floor(wallStartMs + this.world.nowMs + this.host.wallOffsetMs);
  }

  after(delayMs: number, callback: () => void): Timer {
    let isCancelled = false;
    // Checked when the event runs, because the timer may be cancelled while the machine is paused and the event is kept.
    const run = (): void => {
      if (!isCancelled) callback();
    };
    const timer = this.world.schedule(delayMs, this, () => this.host.perform(this, run));
    return {
      cancel: (): void => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  soon(callback: () => void): void {
    this.world.schedule(0, this, () => this.host.perform(this, callback));
  }
}

export class SimulatedHost {
  readonly name: string;
  /** The difference between this machine's wall clock and the right time. */
  wallOffsetMs = 0;
  incarnation: Incarnation | null = null;
  private readonly world: World;
  private lives = 0;
  private held: (() => void)[] | null = null;
  private readonly crashListeners = new Set<(crashed: Incarnation) => void>();

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
  }

  get isPaused(): boolean {
    return this.held !== null;
  }

  /** Begins a new incarnation; the previous one must have ended. */
  boot(): Incarnation {
    if (this.incarnation !== null) throw new Error(`${this.name} is already up`);
    this.lives++;
    this.incarnation = new Incarnation(
      this.world,
      this,
      this.world.random.fork(`${this.name}/${this.lives}`),
    );
    return this.incarnation;
  }

  /** Ends the current incarnation immediately, between two events. */
  crash(): void {
    const { incarnation } = this;
    if (incarnation === null) return;
    incarnation.isAlive = false;
    this.incarnation = null;
    this.held = null;
    for (const listener of this.crashListeners) listener(incarnation);
  }

  onCrash(listener: (crashed: Incarnation) => void): void {
    this.crashListeners.add(listener);
  }

  pause(): void {
    this.held ??= [];
  }

  resume(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const run of held) this.incarnation?.soon(run);
  }

  /** Runs an event of this machine, or keeps it until the pause ends. */
  perform(incarnation: Incarnation, callback: () => void): void {
    if (!incarnation.isAlive) return;
    if (this.held !== null) this.held.push(callback);
    else callback();
  }
}
