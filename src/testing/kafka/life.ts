/**
 * One incarnation of a test node, from start to end. Time, disk and network reach the node only through it. After `end` nothing is
 * delivered any more, as for a killed process; between `pause` and `resume` everything waits, as under SIGSTOP.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import type { TestTime } from './time.ts';

export class Life implements Clock, Scheduler {
  isAlive = true;
  /** For what clients ask to wait for: they go by the machine's clock, so that a long poll ends while the cluster's stands still. */
  readonly forClients: Scheduler = {
    after: (delayMs, callback) => this.arm(this.time.machine, delayMs, callback),
    soon: (callback) => this.soon(callback),
  };
  private held: (() => void)[] | null = null;
  private readonly time: TestTime;
  private readonly timers = new Set<Timer>();
  private readonly endings = new Set<() => void>();

  constructor(time: TestTime) {
    this.time = time;
  }

  get isPaused(): boolean {
    return this.held !== null;
  }

  monotonicMs(): number {
    return this.time.monotonicMs();
  }

  wallMs(): number {
    return this.time.wallMs();
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.arm(this.time, delayMs, callback);
  }

  soon(callback: () => void): void {
    this.time.soon(() => this.perform(callback));
  }

  /** Runs a delivery for this node: now, when the pause ends, or never after the end. */
  perform(callback: () => void): void {
    if (!this.isAlive) return;
    this.time.happened();
    if (this.held !== null) this.held.push(callback);
    else callback();
  }

  /** The outcome of an operation; never settles after this incarnation has ended. */
  outcome<T>(operation: Promise<T>): Promise<T> {
    const ended = this.time.began();
    return new Promise<T>((resolve, reject) => {
      operation.then(
        (value) => {
          ended();
          this.perform(() => resolve(value));
        },
        (error: unknown) => {
          ended();
          this.perform(() => reject(error as Error));
        },
      );
    });
  }

  /** Called once, when this incarnation ends. Returns a function that cancels it. */
  onEnd(callback: () => void): () => void {
    this.endings.add(callback);
    return () => this.endings.delete(callback);
  }

  pause(): void {
    this.held ??= [];
  }

  resume(): void {
    const { held } = this;
    this.held = null;
    for (const callback of held ?? []) this.time.soon(() => this.perform(callback));
  }

  end(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.held = null;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    for (const callback of this.endings) callback();
    this.endings.clear();
  }

  private arm(scheduler: Scheduler, delayMs: number, callback: () => void): Timer {
    let isCancelled = false;
    const timer = scheduler.after(delayMs, () => {
      this.timers.delete(timer);
      // It may be cancelled while a pause holds it back.
      this.perform(() => {
        if (!isCancelled) callback();
      });
    });
    this.timers.add(timer);
    return {
      cancel: () => {
        isCancelled = true;
        this.timers.delete(timer);
        timer.cancel();
      },
    };
  }
}
