/**
 * Waits with a time-out, to be used instead of sleeping. The error of a time-out shows the last state and the newest lines of the
 * log.
 */
import { systemScheduler } from '../../adapters/clock.ts';
import { sleep } from '../../base/clock.ts';
import { durationMs } from './time.ts';

const lookAgainMs = 2;
const logLinesShown = 20;

/**
 * A condition did not hold in time.
 *
 * @example
 * ```ts
 * await kafka.wait.offsets('orders', 3, { timeout: 100 }).catch((error: unknown) => {
 *   if (error instanceof WaitTimeoutError) console.log(error.message);
 * });
 * ```
 */
export class WaitTimeoutError extends Error {
  override readonly name = 'WaitTimeoutError';
}

/**
 * How long to wait.
 *
 * @example
 * ```ts
 * await kafka.wait.inSync('orders', { timeout: '10s' });
 * ```
 */
export interface WaitOptions {
  /** Milliseconds, or text such as `'5s'`. */
  readonly timeout?: number | string;
}

export class Deadlines {
  private readonly timeoutMs: number;
  private readonly situation: () => string;
  private readonly lines: (count: number) => readonly string[];

  constructor(timeoutMs: number, situation: () => string, lines: (count: number) => readonly string[]) {
    this.timeoutMs = timeoutMs;
    this.situation = situation;
    this.lines = lines;
  }

  /** The outcome of `wait`, or an error that says that `what` did not happen in time. */
  async within<T>(
    what: string,
    timeout: number | string | undefined,
    wait: Promise<T>,
    seen: () => string = () => '',
  ): Promise<T> {
    const limitMs = timeout === undefined ? this.timeoutMs : durationMs(timeout);
    let timer = { cancel: (): void => {} };
    const late = new Promise<never>((_, reject) => {
      timer = systemScheduler.after(limitMs, () => reject(this.error(what, limitMs, seen())));
    });
    // Keeps the test's process alive while it waits for nothing else.
    const alive = setInterval(() => {}, limitMs + 1);
    try {
      return await Promise.race([wait, late]);
    } finally {
      timer.cancel();
      clearInterval(alive);
    }
  }

  /** Calls `look` again and again until it returns a value other than `undefined`. `seen` describes the last state. */
  async until<T>(
    what: string,
    timeout: number | string | undefined,
    look: () => T | undefined | Promise<T | undefined>,
    seen: () => string = () => '',
  ): Promise<T> {
    let isOver = false;
    const looking = async (): Promise<T> => {
      while (!isOver) {
        const found = await look();
        if (found !== undefined) return found;
        await sleep(systemScheduler, lookAgainMs);
      }
      throw new Error('the wait has ended');
    };
    try {
      return await this.within(what, timeout, looking(), seen);
    } finally {
      isOver = true;
    }
  }

  private error(what: string, limitMs: number, seen: string): WaitTimeoutError {
    const lines = this.lines(logLinesShown);
    return new WaitTimeoutError(
      [
        `Not within ${limitMs} ms: ${what}.`,
        ...(seen === '' ? [] : [`Last seen: ${seen}`]),
        `Nodes: ${this.situation()}`,
        ...(lines.length === 0 ? [] : ['Last log lines:', ...lines]),
      ].join('\n'),
    );
  }
}
