/**
 * Work that comes back: the next run is planned when one has ended, so a slow run never overlaps itself. An error is logged
 * and does not end the task.
 */
import type { Scheduler, Timer } from '../base/clock.ts';
import type { Logger } from '../telemetry/logger.ts';

export class BackgroundTasks {
  readonly #scheduler: Scheduler;
  readonly #logger: Logger;
  readonly #timers = new Map<string, Timer>();
  #stopped = false;

  constructor(scheduler: Scheduler, logger: Logger) {
    this.#scheduler = scheduler;
    this.#logger = logger;
  }

  repeat(name: string, delayMs: number, intervalMs: number, body: () => Promise<void>): void {
    if (this.#stopped) return;
    const timer = this.#scheduler.after(delayMs, () => {
      body()
        .catch((error: unknown) =>
          this.#logger.error('a background task failed', { name, error: String(error) }),
        )
        .finally(() => this.repeat(name, intervalMs, intervalMs, body));
    });
    this.#timers.set(name, timer);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }
}
