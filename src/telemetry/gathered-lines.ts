/**
 * Log lines about many things at once: what happened alike to several partitions within a moment becomes one line with
 * their number and the first names, so that a broker's failure is a few lines and not three thousand.
 *
 * Alike is what has the same words and the same common fields. Nothing is lost and nothing is late by more than `gatherMs`.
 */
import type { Scheduler, Timer } from '../base/clock.ts';
import type { Logger } from './logger.ts';

type Fields = Record<string, unknown>;

interface Group {
  readonly words: string;
  readonly common: Fields;
  /** By name; the newest of one name counts. */
  readonly items: Map<string, Fields>;
}

const gatherMs = 100;
/** So many of a kind get a line each. */
const singlyMax = 4;
const namedMax = 5;

export class GatheredLines {
  readonly #logger: Logger;
  readonly #scheduler: Scheduler;
  readonly #groups = new Map<string, Group>();
  #timer: Timer | null = null;

  constructor(logger: Logger, scheduler: Scheduler) {
    this.#logger = logger;
    this.#scheduler = scheduler;
  }

  /** `words` go before the name of one, or before "N partitions"; `own` shows only where it stands alone. */
  add(words: string, name: string, own: Fields, common: Fields): void {
    const key = `${words} ${JSON.stringify(common)}`;
    const group = this.#groups.get(key) ?? { words, common, items: new Map<string, Fields>() };
    group.items.set(name, own);
    this.#groups.set(key, group);
    this.#timer ??= this.#scheduler.after(gatherMs, () => this.flush());
  }

  /** Writes what was gathered. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const groups = [...this.#groups.values()];
    this.#groups.clear();
    for (const group of groups) this.#write(group);
  }

  #write({ words, common, items }: Group): void {
    if (items.size <= singlyMax) {
      for (const [name, own] of items) this.#logger.info(`${words} ${name}`, { ...own, ...common });
      return;
    }
    const names = [...items.keys()].slice(0, namedMax);
    const rest = items.size - names.length;
    const partitions = `${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
    this.#logger.info(`${words} ${items.size} partitions`, { ...common, partitions });
  }
}
