/**
 * The offset commits of one group that were appended but are not yet replicated; the group's offsets do not contain them yet.
 */
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

  /**
   * Called when the write of a commit has succeeded or failed. Returns the topics passed to `skip`: the caller removes their
   * offsets now.
   */
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

  /**
   * A sweep found that the topic was deleted, but could not remove all its offsets, because a commit in flight may add some.
   */
  skip(topic: string, id: Uuid): void {
    this.#skipped.set(topic, id);
  }
}
