/** Offset commits of one group that were appended and are not yet known to be replicated: offsets change only when they are. */
import type { Uuid } from '../base/uuid.ts';

type Commit = readonly { readonly topic: string; readonly partition: number }[];

export class CommitsUnderWay {
  readonly #commits = new Set<Commit>();
  #skipped = new Map<string, Uuid>();

  get size(): number {
    return this.#commits.size;
  }

  begin(commit: Commit): void {
    this.#commits.add(commit);
  }

  /** The outcome of the write is known. Returns the deleted topics that were skipped: their offsets are to be looked at again. */
  end(commit: Commit): ReadonlyMap<string, Uuid> {
    this.#commits.delete(commit);
    const skipped = this.#skipped;
    this.#skipped = new Map();
    return skipped;
  }

  partitionsOf(topic: string): ReadonlySet<number> {
    const partitions = new Set<number>();
    for (const commit of this.#commits)
      for (const one of commit) if (one.topic === topic) partitions.add(one.partition);
    return partitions;
  }

  /** Offsets of a deleted topic were not all removed, since a commit under way may bring others. */
  skip(topic: string, id: Uuid): void {
    this.#skipped.set(topic, id);
  }
}
