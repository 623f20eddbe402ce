/**
 * Runs retention over all logs of a broker; each log decides what it deletes (`log-retention.ts`). Logs whose topic's
 * configuration is not known yet are skipped.
 */
import { mark } from '../../base/mark.ts';
import type { Scheduler } from '../../base/clock.ts';
import type { Held } from '../directories/log-checkpoints.ts';
import { contain } from './background-tasks.ts';
import { forEachInTurns } from './concurrency.ts';

export async function retain(logs: Iterable<Held>, scheduler: Scheduler): Promise<void> {
  await forEachInTurns(logs, scheduler, async (held) => {
    const { log } = held;
    if (log.isOffline) return;
    if (!log.state.isConfigured) return mark('log.not-configured-yet');
    try {
      if ((await log.applyRetention()) > 0) held.directory.dirty.add('logStart');
    } catch (error) {
      contain(log, error, 'retention');
    }
  });
}
