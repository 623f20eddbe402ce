/**
 * Suppresses repeated WARN and ERROR lines: in one second, only the first line with the same message about the same subject is
 * written. Suppressed lines are counted, and the next line that is written gives their number.
 */

/**
 * Fields that name the subject of a line. Lines that differ in one of these fields do not count as repetitions of each other.
 */
const subjects = ['partition', 'topic', 'directory', 'path', 'segment', 'peer', 'api', 'observer'] as const;

const quietMs = 1000;
/**
 * When there are this many entries, those are removed that are older than a second and have no suppressed lines; when there are
 * none of these, all are removed.
 */
const keysMax = 1000;

interface Trouble {
  sinceMs: number;
  suppressed: number;
}

export class RepeatedLines {
  readonly #troubles = new Map<string, Trouble>();

  /**
   * Returns the number of lines like this one that were suppressed since the last written one, or -1 when this line must be
   * suppressed too.
   */
  admit(sentence: string, fields: Readonly<Record<string, unknown>> | undefined, nowMs: number): number {
    let key = sentence;
    for (const name of subjects) if (fields?.[name] !== undefined) key += ` ${String(fields[name])}`;
    const trouble = this.#troubles.get(key);
    if (trouble !== undefined && nowMs - trouble.sinceMs < quietMs && nowMs >= trouble.sinceMs) {
      trouble.suppressed++;
      return -1;
    }
    if (this.#troubles.size >= keysMax) this.#forget(nowMs);
    this.#troubles.set(key, { sinceMs: nowMs, suppressed: 0 });
    return trouble?.suppressed ?? 0;
  }

  #forget(nowMs: number): void {
    for (const [key, { sinceMs, suppressed }] of this.#troubles)
      if (suppressed === 0 && nowMs - sinceMs >= quietMs) this.#troubles.delete(key);
    if (this.#troubles.size >= keysMax) this.#troubles.clear();
  }
}
