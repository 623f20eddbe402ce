/**
 * One write to the store at a time. Writes that arrive meanwhile are combined into the next one, so one sync covers
 * them all.
 */
import { at } from '../../base/assert.ts';
import type { RaftStore, WriteOp } from '../../raft/store.ts';

export interface GroupCommitOptions {
  readonly store: RaftStore;
  readonly onPersisted: (seq: number) => void;
  /** A failed sync is never retried: the operating system may have dropped the unwritten pages. */
  readonly onFailure: (error: unknown) => void;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #queue: WriteOp[] = [];
  #pump: Promise<void> | null = null;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  submit(ops: readonly WriteOp[]): void {
    for (const op of ops) this.#queue.push(op);
    if (this.#queue.length > 0 && this.#pump === null) this.#pump = this.#run();
  }

  /** Resolves when no write is in progress or queued. */
  async idle(): Promise<void> {
    while (this.#pump !== null) await this.#pump;
  }

  async #run(): Promise<void> {
    const { store, onPersisted, onFailure } = this.#options;
    try {
      while (this.#queue.length > 0) {
        const ops = this.#queue;
        this.#queue = [];
        await store.write(ops);
        onPersisted(at(ops, ops.length - 1).seq);
      }
    } catch (error) {
      this.#queue = [];
      onFailure(error);
    } finally {
      this.#pump = null;
    }
  }
}
