/**
 * The longest turn of a process's event loop, as time of its main thread on a core: the kernel counts it (Linux). What the process waited
 * for cores or disks that others used is not in it, so that a busy machine can be measured too.
 */
import { openSync, readSync } from 'node:fs';

const intervalMs = 1;

export class TurnMonitor {
  #schedstat = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  #text = Buffer.alloc(128);
  #lastMs = this.#cpuMs();
  longestMs = 0;

  /** `onTurn` gets the length of every turn of at least a millisecond. */
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
