/**
 * The clock of a test cluster: that of the machine, or a manual one that only the test advances. With a manual clock no timer
 * of the cluster fires by itself, so no session ends even if a debugger stops the test for an hour.
 *
 * There are two exceptions, so that a request that is being handled is completed: a timer of at most `workMs` fires by itself
 * and advances the clock, and `soon` runs in the next turn of the event loop.
 */
import { systemClock, systemScheduler } from '../../adapters/clock.ts';
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';

/**
 * A timer with at most this delay (batching, back-off) is taken as a part of the handling of a request; a longer one as a wait.
 */
const workMs = 25;
/**
 * A large advance is made in several steps; each step advances the clock by the remaining time divided by this number, and by
 * at least `stepMsMin`. A periodic timer fires once in each step.
 */
const stepsOfTheWay = 8;
const stepMsMin = 1_000;
/** The cluster counts as idle after this many turns of the event loop without an event. */
const quietTurns = 3;

export interface TestTime extends Clock, Scheduler {
  /** Whether the test moves this clock. */
  readonly isManual: boolean;
  /** A scheduler on the machine's clock, also when the cluster's clock is manual. */
  readonly machine: Scheduler;
  /** Counts an event in the cluster, so that an idle cluster is recognised. */
  happened(): void;
  /** Counts work that ends later, such as a disk operation; returns the function that ends it. */
  began(): () => void;
  /** Resolves when nothing has happened for a few turns of the event loop. */
  whenIdle(): Promise<void>;
  /** Advances the clock; with the machine's clock it rejects. */
  advance(ms: number): Promise<void>;
  /** Sets a manual clock to a wall-clock time, while all nodes are down. Does nothing for the machine's clock, and for null. */
  turnTo(wallMs: number | null): void;
  /** Drops all timers. */
  close(): void;
}

class Activity {
  private count = 0;
  private open = 0;

  happened(): void {
    this.count++;
  }

  began(): () => void {
    this.count++;
    this.open++;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.count++;
      this.open--;
    };
  }

  async whenIdle(): Promise<void> {
    for (let quiet = 0; quiet < quietTurns; ) {
      const before = this.count;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = before === this.count && this.open === 0 ? quiet + 1 : 0;
    }
  }
}

class RealTime extends Activity implements TestTime {
  readonly isManual = false;
  readonly machine = this;
  private readonly timers = new Set<Timer>();

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  wallMs(): number {
    return systemClock.wallMs();
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = systemScheduler.after(delayMs, () => {
      this.timers.delete(timer);
      this.happened();
      callback();
    });
    this.timers.add(timer);
    return {
      cancel: () => {
        this.timers.delete(timer);
        timer.cancel();
      },
    };
  }

  soon(callback: () => void): void {
    this.happened();
    systemScheduler.soon(callback);
  }

  advance(): Promise<void> {
    return Promise.reject(
      new TypeError(
        "This cluster runs on the machine's clock. Start it with { clock: 'manual' } to move its time.",
      ),
    );
  }

  turnTo(): void {}

  close(): void {
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
  }
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

class ManualTime extends Activity implements TestTime {
  readonly isManual = true;
  readonly machine = systemScheduler;
  private nowMs = 0;
  private wallStartMs = systemClock.wallMs();
  private readonly waiting = new Set<Due>();
  private readonly working = new Set<Timer>();
  private order = 0;
  private moving: Promise<void> = Promise.resolve();

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return Math.floor(this.wallStartMs + this.nowMs);
  }

  after(delayMs: number, callback: () => void): Timer {
    const due: Due = { atMs: this.nowMs + Math.max(0, delayMs), order: this.order++, callback };
    this.waiting.add(due);
    const timer = delayMs <= workMs ? this.work(due, delayMs) : null;
    return {
      cancel: () => {
        this.waiting.delete(due);
        if (timer === null) return;
        timer.cancel();
        this.working.delete(timer);
      },
    };
  }

  soon(callback: () => void): void {
    this.happened();
    systemScheduler.soon(callback);
  }

  advance(ms: number): Promise<void> {
    const move = this.moving.then(() => this.move(ms));
    this.moving = move.catch(() => {});
    return move;
  }

  turnTo(wallMs: number | null): void {
    if (wallMs !== null) this.wallStartMs = wallMs - this.nowMs;
  }

  close(): void {
    for (const timer of this.working) timer.cancel();
    this.working.clear();
    this.waiting.clear();
  }

  private work(due: Due, delayMs: number): Timer {
    const ended = this.began();
    const timer = systemScheduler.after(delayMs, () => {
      this.working.delete(timer);
      if (this.waiting.has(due)) {
        this.nowMs = Math.max(this.nowMs, due.atMs);
        this.fire(due);
      }
      ended();
    });
    this.working.add(timer);
    return {
      cancel: () => {
        timer.cancel();
        ended();
      },
    };
  }

  private async move(ms: number): Promise<void> {
    await this.whenIdle();
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      const leftMs = endMs - this.nowMs;
      this.nowMs += Math.min(leftMs, Math.max(stepMsMin, leftMs / stepsOfTheWay));
      // A timer that is set during this step is due in the next one. A step acts as one pause of all nodes, after which each
      // catches up.
      const due = [...this.waiting].filter(({ atMs }) => atMs <= this.nowMs);
      due.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      for (const one of due) {
        if (!this.waiting.has(one)) continue;
        this.fire(one);
        await this.whenIdle();
      }
    }
    await this.whenIdle();
  }

  private fire(due: Due): void {
    this.waiting.delete(due);
    this.happened();
    due.callback();
  }
}

export function testTime(kind: 'real' | 'manual'): TestTime {
  return kind === 'real' ? new RealTime() : new ManualTime();
}

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `1500`, `'20ms'`, `'5s'`, `'10m'`, `'2h'` or `'7d'`. */
export function durationMs(duration: number | string): number {
  if (typeof duration === 'number' && Number.isFinite(duration) && duration >= 0) return duration;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(String(duration).trim());
  if (match === null)
    throw new TypeError(
      `'${String(duration)}' is not a duration: expected milliseconds, or a number with ms, s, m, h or d, such as '7d'.`,
    );
  return Number(match[1]) * (unitMs[match[2] as string] as number);
}
