/**
 * Logs that were found at start under the name of another one, in another directory. While the first directory failed, the topic was
 * deleted and made anew, or the replica went and came back: the second one was made in a directory that works. Which one is the
 * partition's is decided when it is asked for; the others are put aside. One whose topic id is not known had no synced record yet.
 */
import type { Uuid } from '../../base/uuid.ts';
import type { Held } from './log-checkpoints.ts';

export class LogTwins {
  readonly #twins = new Map<string, Held[]>();

  add(name: string, twin: Held): void {
    const twins = this.#twins.get(name);
    if (twins === undefined) this.#twins.set(name, [twin]);
    else twins.push(twin);
  }

  has(name: string): boolean {
    return this.#twins.has(name);
  }

  /** All logs of that name, the partition's first: of its topic, in the directory that metadata names, else the longest. */
  decide(name: string, known: Held | undefined, topicId: Uuid, directoryId: Uuid | null): Held[] {
    const all = [...(known === undefined ? [] : [known]), ...(this.#twins.get(name) ?? [])];
    this.#twins.delete(name);
    const rank = ({ log, directory }: Held): number =>
      (log.topicId === topicId ? 4 : 0) +
      (log.topicId === '' ? 2 : 0) +
      (directory.id === directoryId ? 1 : 0);
    return all.sort((a, b) => rank(b) - rank(a) || b.log.logEndOffset - a.log.logEndOffset);
  }

  /** All that nobody has asked for. */
  drain(): [string, Held][] {
    const all = [...this.#twins].flatMap(([name, twins]) =>
      twins.map((twin): [string, Held] => [name, twin]),
    );
    this.#twins.clear();
    return all;
  }
}
