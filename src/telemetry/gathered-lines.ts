/**
 * Combines log lines about many partitions into one. When lines about more than `singlyMax` partitions come within `gatherMs`,
 * with the same words and the same common fields, they become one line, with the number of partitions and the names of the
 * first ones. So the failure of a broker gives a few lines instead of three thousand. A line is written up to `gatherMs` late.
 */
import type { Scheduler, Timer } from '../base/clock.ts';
import type { Logger } from './logger.ts';

type Fields = Record<string, unknown>;

interface Group {
  readonly words: string;
  readonly common: Fields;
  /** By the partition's name. A later line about the same partition replaces the earlier one. */
  readonly items: Map<string, Fields>;
}

const gatherMs = 100;
/** A group of at most this many partitions is written as one line for each partition, a larger group as one line in all. */
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
   * Adds a line about one partition. In the line, `words` come before the partition's name, or before "N partitions" when lines
   * were combined. The fields `own` are written only in a line about one partition; the fields `common` are always written.
   */
  add(words: string, name: string, own: Fields, common: Fields): void {
    const key = `${words} ${JSON.stringify(common)}`;
    const group = this.#groups.get(key) ?? { words, common, items: new Map<string, Fields>() };
    group.items.set(name, own);
    this.#groups.set(key, group);
    this.#timer ??= this.#scheduler.after(gatherMs, () => this.flush());
  }

  /** Writes all lines that were gathered, without waiting for `gatherMs` to pass. */
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
