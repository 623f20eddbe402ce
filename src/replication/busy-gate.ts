/**
 * Counts the writes and truncations of a log that are in progress, and calls back when there is none. A callback may begin a
 * write. The callbacks after it are called nevertheless, so a callback that needs a quiet log must test `isQuiet`.
 */
export class BusyGate {
  #count = 0;
  #waiting: (() => void)[] = [];

  get isQuiet(): boolean {
    return this.#count === 0;
  }

  begin(): void {
    this.#count++;
  }

  end(): void {
    this.#count--;
    if (this.#count > 0 || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback();
  }

  /** Calls back when no write and no truncation is in progress: at once, or when the last one has ended. */
  whenQuiet(callback: () => void): void {
    if (this.#count === 0) callback();
    else this.#waiting.push(callback);
  }
}
