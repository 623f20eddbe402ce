/**
 * The event loop of a simulation: a queue of events on a virtual clock, which run one at a time. Everything that waits for a
 * promise which an event settles (microtasks) runs before the next event. The same seed gives the same order of events and the
 * same trace.
 *
 * `run` must be called from a macrotask, which `inMacrotask` does. Called inside a microtask (after an `await`), it could not
 * run the microtasks between events, because V8 does not begin to run microtasks while one is running.
 */
import v8 from 'node:v8';
import { assert } from '../base/assert.ts';
import type { Timer } from '../base/clock.ts';
import { type Due, EventQueue } from './event-queue.ts';
import { SeededRandom } from './random.ts';

interface SimulatedEvent extends Timer, Due {
  readonly owner: Owner | null;
  run: (() => void) | null;
}

/** An event may have an owner, such as the incarnation of a node. When the owner is no longer alive, the event is dropped. */
export interface Owner {
  readonly isAlive: boolean;
}

/** A function that runs all pending microtasks. Only a V8 flag makes it available, which is set for a moment to get it. */
function microtaskDrain(): () => void {
  v8.setFlagsFromString('--allow-natives-syntax');
  try {
    return new Function('%PerformMicrotaskCheckpoint()') as () => void;
  } finally {
    v8.setFlagsFromString('--no-allow-natives-syntax');
  }
}

export class World {
  readonly seed: number;
  readonly random: SeededRandom;
  nowMs = 0;
  eventCount = 0;
  /** Called after every event and its microtasks; the checkers run here. */
  afterEvent: () => void = () => {};
  private readonly queue = new EventQueue<SimulatedEvent>();
  private readonly drain = microtaskDrain();
  private sequence = 0;
  private hash = 0x811c9dc5;

  constructor(seed: number) {
    this.seed = seed;
    this.random = new SeededRandom(seed);
  }

  /** Runs `callback` at the virtual time `nowMs + delayMs`, unless `owner` is no longer alive then. */
  schedule(delayMs: number, owner: Owner | null, callback: () => void): Timer {
    const event: SimulatedEvent = {
      atMs: this.nowMs + Math.max(0, delayMs),
      order: this.sequence++,
      owner,
      run: callback,
      cancel(): void {
        this.run = null;
      },
    };
    this.queue.push(event);
    return event;
  }

  /**
   * Runs events until `done` returns true, the queue is empty, or the virtual clock reaches `untilMs`. Returns true in the
   * first case.
   */
  run(untilMs: number, done: () => boolean = () => false): boolean {
    this.checkDrain();
    while (!done()) {
      const event = this.queue.peek();
      if (event === undefined || event.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return done();
      }
      this.queue.pop();
      this.perform(event);
    }
    return true;
  }

  /** Fails when called inside a microtask. Without this check no promise would ever settle, as if no node responded. */
  private checkDrain(): void {
    let isDrained = false;
    void Promise.resolve().then(() => {
      isDrained = true;
    });
    this.drain();
    assert(isDrained, 'a world runs in a macrotask: call it within inMacrotask, not after an await');
  }

  /** Mixes a fact into the trace hash, which is used to compare two runs of one seed. */
  trace(fact: string): void {
    for (let i = 0; i < fact.length; i++) this.hash = Math.imul(this.hash ^ fact.charCodeAt(i), 0x01000193);
  }

  get traceHash(): number {
    return this.hash >>> 0;
  }

  private perform(event: SimulatedEvent): void {
    const { run } = event;
    if (run === null || (event.owner !== null && !event.owner.isAlive)) return;
    assert(event.atMs >= this.nowMs, 'virtual time went back');
    this.nowMs = event.atMs;
    this.eventCount++;
    event.run = null;
    run();
    this.drain();
    this.afterEvent();
  }
}
