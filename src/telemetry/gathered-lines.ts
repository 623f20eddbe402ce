/**
 * Combines log lines about many partitions: lines with the same words and the same common fields within `gatherMs` become one line
 * with the number of partitions and the first names. So the failure of a broker gives a few lines instead of three thousand. A line
 * is at most `gatherMs` late.
 */
import type { Scheduler, Timer } from '../base/clock.ts';
import type { Logger } from './logger.ts';

type Fields = Record<string, unknown>;

interface Group {
  readonly words: string;
  readonly common: Fields;
  /** By name; a later entry of a name replaces an earlier one. */
  readonly items: Map<string, Fields>;
}

const gatherMs = 100;
/** A group of at most this many partitions is written as one line for each partition; a larger one as one line. */
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

  /**
   * `words` come before the name of one partition, or before "N partitions"; the fields `own` appear only in lines about one
   * partition.
   */
  add(words: string, name: string, own: Fields, common: Fields): void {
    const key = `${words} ${JSON.stringify(common)}`;
    const group = this.#groups.get(key) ?? { words, common, items: new Map<string, Fields>() };
    group.items.set(name, own);
    this.#groups.set(key, group);
    this.#timer ??= this.#scheduler.after(gatherMs, () => this.flush());
  }

  /** Writes all gathered lines. */
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
