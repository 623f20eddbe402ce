/**
 * One run (incarnation) of a test node. Timers, results of disk operations and network messages reach the node only through
 * this object. After `end` it delivers nothing any more, as for a killed process. Between `pause` and `resume` everything
 * waits, as after SIGSTOP.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import type { TestTime } from './time.ts';

export class Life implements Clock, Scheduler {
  isAlive = true;
  /**
   * Times the waits that clients request, such as fetch.max.wait.ms. It uses the machine's clock, so that a Fetch that waits
   * ends even when the cluster's manual clock does not advance.
   */
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

  /** Runs `callback` for this node: now; during a pause, when the pause ends; after `end`, never. */
  perform(callback: () => void): void {
    if (!this.isAlive) return;
    this.time.happened();
    if (this.held !== null) this.held.push(callback);
    else callback();
  }

  /** A promise with the outcome of `operation`. If this incarnation ends first, it never settles. */
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
      // The timer may be cancelled while a pause delays its callback.
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
