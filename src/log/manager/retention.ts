/** Retention over all logs of a broker: what each of them lets go is up to the log (`log-retention.ts`). */
import type { Scheduler } from '../../base/clock.ts';
import type { Held } from '../directories/log-checkpoints.ts';
import { contain } from './background-tasks.ts';
import { forEachInTurns } from './concurrency.ts';

export async function retain(logs: Iterable<Held>, scheduler: Scheduler): Promise<void> {
  await forEachInTurns(logs, scheduler, async (held) => {
    const { log } = held;
    if (log.isOffline) return;
    try {
      if ((await log.applyRetention()) > 0) held.directory.dirty.add('logStart');
    } catch (error) {
      contain(log, error, 'retention');
    }
  });
}
