/**
 * The connections of one listener that wait because of `max.connection.creation.rate`. They pass one after another, each after
 * the throttle time that it causes, as in Kafka, where the thread that accepts them sleeps for that time. Until then nothing is
 * read from them. They count for `max.connections`, which bounds how many can wait.
 */
import type { Scheduler, Timer } from '../../base/clock.ts';

export interface GatedConnection {
  readonly isClosed: boolean;
  /** Stops reading until `release` is called. */
  hold(): void;
  release(): void;
}

export interface CreationGateOptions {
  readonly scheduler: Scheduler;
  /** Counts a connection and returns for how long it waits. */
  readonly throttleMs: () => number;
}

export class CreationGate {
  readonly #options: CreationGateOptions;
  #waiting: GatedConnection[] = [];
  #timer: Timer | null = null;

  constructor(options: CreationGateOptions) {
    this.#options = options;
  }

  enter(connection: GatedConnection): void {
    if (this.#timer === null) return this.#pass(connection);
    connection.hold();
    this.#waiting.push(connection);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting = [];
  }

  #pass(connection: GatedConnection): void {
    const waitMs = this.#options.throttleMs();
    if (waitMs === 0) return connection.release();
    connection.hold();
    this.#timer = this.#options.scheduler.after(waitMs, () => {
      this.#timer = null;
      connection.release();
      this.#passWaiting();
    });
  }

  #passWaiting(): void {
    let next: GatedConnection | undefined;
    while (this.#timer === null && (next = this.#waiting.shift()) !== undefined)
      if (!next.isClosed) this.#pass(next);
  }
}
