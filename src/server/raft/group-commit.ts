/**
 * Writes to the store, one write at a time. Writes that are requested in the meantime are combined into the next one, so that
 * one sync makes all of them durable.
 */
import { at } from '../../base/assert.ts';
import type { RaftStore, WriteOp } from '../../raft/store.ts';

export interface GroupCommitOptions {
  readonly store: RaftStore;
  readonly onPersisted: (seq: number) => void;
  /**
   * Called when a write fails. It is not tried again: after a failed sync the operating system may have dropped the unwritten
   * data.
   */
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
