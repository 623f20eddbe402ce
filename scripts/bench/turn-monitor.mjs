/**
 * Measures the longest turn of the event loop of a process, as CPU time of its main thread, which Linux counts. Time in which
 * the process waited for a core or a disk does not count, so the result is useful on a busy machine too.
 */
import { openSync, readSync } from 'node:fs';

const intervalMs = 1;

export class TurnMonitor {
  #schedstat = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  #text = Buffer.alloc(128);
  #lastMs = this.#cpuMs();
  longestMs = 0;

  /** `onTurn` gets the length of each turn of at least a millisecond. */
  constructor(onTurn = (/** @type {number} */ _turnMs) => {}) {
    const timer = setInterval(() => {
      const turnMs = this.#look();
      if (turnMs >= intervalMs) onTurn(turnMs);
    }, intervalMs);
    timer.unref();
  }

  reset() {
    this.#lastMs = this.#cpuMs();
    this.longestMs = 0;
  }

  #cpuMs() {
    const length = readSync(this.#schedstat, this.#text, 0, 128, 0);
    return Number(this.#text.toString('latin1', 0, length).split(' ')[0]) / 1e6;
  }

  #look() {
    const nowMs = this.#cpuMs();
    const turnMs = nowMs - this.#lastMs;
    this.longestMs = Math.max(this.longestMs, turnMs);
    this.#lastMs = nowMs;
    return turnMs;
  }
}
