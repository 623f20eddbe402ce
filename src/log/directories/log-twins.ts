/**
 * Logs with the same name in several log directories, as a start may find them. This happens when a directory is offline for
 * some time: the topic is deleted and created again, or the replica is removed and added again, and the second log is created
 * in another directory. When the partition is requested, `decide` selects the log that belongs to it; the others are renamed to
 * `…-stray`. A log whose topic id is unknown has no synced record.
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

  /**
   * Returns all logs of that name; the first one belongs to the partition. It is a log with the topic id, else one whose topic
   * id is unknown; of several such logs, the one in the directory that metadata names, else the longest.
   */
  decide(name: string, known: Held | undefined, topicId: Uuid, directoryId: Uuid | null): Held[] {
    const all = [...(known === undefined ? [] : [known]), ...(this.#twins.get(name) ?? [])];
    this.#twins.delete(name);
    const rank = ({ log, directory }: Held): number =>
      (log.topicId === topicId ? 4 : 0) +
      (log.topicId === '' ? 2 : 0) +
      (directory.id === directoryId ? 1 : 0);
    return all.sort((a, b) => rank(b) - rank(a) || b.log.logEndOffset - a.log.logEndOffset);
  }

  /** Removes and returns the logs whose partition was not requested. */
  drain(): [string, Held][] {
    const all = [...this.#twins].flatMap(([name, twins]) =>
      twins.map((twin): [string, Held] => [name, twin]),
    );
    this.#twins.clear();
    return all;
  }
}
