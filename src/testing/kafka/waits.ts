/**
 * Waits with a time-out, to be used instead of sleeping. The error of a time-out shows the last state and the newest lines of
 * the log.
 */
import { systemScheduler } from '../../adapters/clock.ts';
import { sleep } from '../../base/clock.ts';
import { isRetriable } from '../../client/retry.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { durationMs } from './time.ts';

const lookAgainMs = 2;
const logLinesShown = 20;
/** The interval of a timer that does nothing except to keep the process alive; any long time would do. */
const aliveMs = 1_000_000;

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
 * The options of a wait: how long it may take.
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
  private readonly open = new Set<(error: Error) => void>();
  private ended: Error | null = null;

  constructor(timeoutMs: number, situation: () => string, lines: (count: number) => readonly string[]) {
    this.timeoutMs = timeoutMs;
    this.situation = situation;
    this.lines = lines;
  }

  /** How long a wait without a deadline of its own may take. */
  get defaultMs(): number {
    return this.timeoutMs;
  }

  /** The outcome of `wait`, or an error that says that `what` did not happen in time. */
  async within<T>(
    what: string,
    timeout: number | string | undefined,
    wait: Promise<T>,
    seen: () => string = () => '',
  ): Promise<T> {
    const limitMs = timeout === undefined ? this.timeoutMs : durationMs(timeout);
    // The error is made in a timer, whose stack does not show the line of the test, so the caller's stack is kept.
    const caller = new Error();
    let giveUp = (_error: Error): void => {};
    const late = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const timer = systemScheduler.after(limitMs, () => giveUp(this.error(what, limitMs, seen(), caller)));
    // This timer keeps the test's process alive: Node would end a process that waits for a promise only.
    const alive = setInterval(() => {}, aliveMs);
    this.open.add(giveUp);
    if (this.ended !== null) giveUp(this.ended);
    try {
      return await Promise.race([late, wait]);
    } catch (error) {
      throw this.named(what, error);
    } finally {
      this.open.delete(giveUp);
      timer.cancel();
      clearInterval(alive);
    }
  }

  /** Rejects all waits, and those that begin later, because the cluster is closed. */
  end(error: Error): void {
    this.ended ??= error;
    for (const giveUp of this.open) giveUp(error);
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

  /** Adds to the message of an error of Kafka, or of a connection, what was waited for (`what`). */
  private named(what: string, error: unknown): unknown {
    if (error instanceof KafkaError)
      return new KafkaError(error.error, `${error.error.name}: ${error.message} (${what})`);
    if (!(error instanceof Error) || !isRetriable(error)) return error;
    return Object.assign(error, { message: `${error.message} (${what})\nNodes: ${this.situation()}` });
  }

  private error(what: string, limitMs: number, seen: string, caller: Error): WaitTimeoutError {
    const lines = this.lines(logLinesShown);
    const error = new WaitTimeoutError(
      [
        `Not within ${limitMs} ms: ${what}.`,
        ...(seen === '' ? [] : [`Last seen: ${seen}`]),
        `Nodes: ${this.situation()}`,
        ...(lines.length === 0 ? [] : ['Last log lines:', ...lines]),
      ].join('\n'),
    );
    error.stack = [`${error.name}: ${error.message}`, ...(caller.stack ?? '').split('\n').slice(1)].join(
      '\n',
    );
    return error;
  }
}
