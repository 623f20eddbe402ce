/**
 * Runs periodic tasks. The next run of a task is scheduled when the last one has ended, so a task never runs twice at a time.
 * An error is logged with its stack and does not end the task; a broken invariant ends the process.
 */
import { AssertionError } from '../../base/assert.ts';
import { StorageError } from '../../base/file-system.ts';
import type { Scheduler, Timer } from '../../base/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { PartitionLog } from '../partition-log.ts';
import type { TaskTimes } from './scheduled-tasks.ts';

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * Handles an error of one log in a background task, so that the task continues with the other logs. A disk error takes the
 * log's directory offline; a bug is logged with its stack; a broken invariant is rethrown.
 */
export function contain(log: PartitionLog, error: unknown, task: string): void {
  if (log.isOffline) return;
  if (error instanceof AssertionError) throw error;
  if (error instanceof StorageError) log.fail(error);
  else
    log.state.logger.error('a background task has a bug', {
      partition: log.state.name,
      task,
      error: stackOf(error),
    });
}

export class BackgroundTasks {
  readonly #scheduler: Scheduler;
  readonly #logger: Logger;
  readonly #timers = new Map<string, Timer>();
  #stopped = false;

  constructor(scheduler: Scheduler, logger: Logger) {
    this.#scheduler = scheduler;
    this.#logger = logger;
  }

  /** Starts a task. `body` resolves to true when it had work to do; the time of the next run may depend on this. */
  start(name: string, times: TaskTimes, body: () => Promise<boolean | void>): void {
    this.#plan(name, times.firstMs, times, body);
  }

  #plan(name: string, delayMs: number, times: TaskTimes, body: () => Promise<boolean | void>): void {
    if (this.#stopped) return;
    let didWork = false;
    const timer = this.#scheduler.after(delayMs, () => {
      body()
        .then((result) => {
          didWork = result === true;
        })
        .catch((error: unknown) => {
          if (error instanceof AssertionError) throw error;
          this.#logger.error('a background task failed', { name, error: stackOf(error) });
        })
        .finally(() => this.#plan(name, times.nextMs(didWork), times, body));
    });
    this.#timers.set(name, timer);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }
}
