/**
 * Loops over all logs of a broker, of which there may be 100,000. The loops handle a bounded number of logs in one turn of the
 * event loop, and a bounded number at a time.
 */
import { type Scheduler, yieldTurn } from '../../base/clock.ts';

/** How many logs a loop handles (1 to 2 ms of work) before it lets the event loop handle requests and heartbeats. */
export const logsPerTurnMax = 100;

/** Runs `body` for each item, one after the other, yielding to the event loop in between. */
export async function forEachInTurns<T>(
  items: Iterable<T>,
  scheduler: Scheduler,
  body: (item: T) => Promise<void> | void,
): Promise<void> {
  let taken = 0;
  for (const item of items) {
    if (taken === logsPerTurnMax) {
      await yieldTurn(scheduler);
      taken = 0;
    }
    taken += 1;
    await body(item);
  }
}

/**
 * Runs `body` for each item, at most `limit` at a time, yielding to the event loop; rejects with the first error after all have
 * ended.
 */
export async function forEachLimited<T>(
  items: Iterable<T>,
  limit: number,
  scheduler: Scheduler,
  body: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  let failure: unknown;
  let taken = 0;
  /**
   * The next turn of the event loop, for which all workers wait together. A worker that did not wait would keep the event loop
   * busy.
   */
  let turn: Promise<void> = Promise.resolve();
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) {
      taken += 1;
      if (taken % logsPerTurnMax === 0) turn = turn.then(() => yieldTurn(scheduler));
      await turn;
      try {
        await body(next.value);
      } catch (error) {
        failed = true;
        failure = error;
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failed) throw failure;
}
