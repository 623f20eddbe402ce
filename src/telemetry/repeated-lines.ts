/**
 * At most one line a second for the same trouble: a WARN or ERROR with the same sentence about the same thing. The lines that
 * are left out are counted, and the next line says how many there were.
 */

/** Fields that say what a line is about; two lines that differ in one of these are not the same trouble. */
const subjects = ['partition', 'topic', 'directory', 'path', 'segment', 'peer', 'api', 'observer'] as const;

const quietMs = 1000;
/** When so many troubles were seen, those that are over are forgotten. */
const keysMax = 1000;

interface Trouble {
  sinceMs: number;
  suppressed: number;
}

export class RepeatedLines {
  readonly #troubles = new Map<string, Trouble>();

  /** How many lines like this one were left out since the last; -1 when this one is to be left out. */
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
