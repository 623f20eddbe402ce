/**
 * The event loop of a simulation: one queue of events on a virtual clock, run one at a time, with every promise that an
 * event settled carried through before the next event. Same seed, same order of events, same trace.
 *
 * `run` must be called from a macrotask (`inMacrotask` sees to that): inside a microtask V8 would not start another
 * round of microtasks, and no promise would ever settle.
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

/** Owner of scheduled events. Events of an owner that is no longer alive do not happen. */
export interface Owner {
  readonly isAlive: boolean;
}

/** V8's microtask checkpoint as a function; the flag that makes it callable is switched off again at once. */
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
  /** Called after every event and its microtasks: where the checkers look. */
  afterEvent: () => void = () => {};
  private readonly queue = new EventQueue<SimulatedEvent>();
  private readonly drain = microtaskDrain();
  private sequence = 0;
  private hash = 0x811c9dc5;

  constructor(seed: number) {
    this.seed = seed;
    this.random = new SeededRandom(seed);
  }

  /** Runs `callback` at `nowMs + delayMs`, unless `owner` has died by then. */
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

  /** Runs events until `done` says so, the queue is empty, or the virtual clock reaches `untilMs`; true when `done` did. */
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

  /** Inside a microtask no promise would settle, and the run would look like one without responses. */
  private checkDrain(): void {
    let isDrained = false;
    void Promise.resolve().then(() => {
      isDrained = true;
    });
    this.drain();
    assert(isDrained, 'a world runs in a macrotask: call it within inMacrotask, not after an await');
  }

  /** Mixes a fact into the trace hash, by which two runs of one seed are compared. */
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
