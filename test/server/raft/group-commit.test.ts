import { expect, test } from 'vitest';
import type { RaftStore, WriteOp } from '../../../src/raft/store.ts';
import { GroupCommit } from '../../../src/server/raft/group-commit.ts';

/** A store whose writes wait until the test ends them. */
class HeldStore {
  readonly writes: number[][] = [];
  readonly #ends: { resolve: () => void; reject: (error: Error) => void }[] = [];

  write(ops: readonly WriteOp[]): Promise<void> {
    this.writes.push(ops.map((op) => op.seq));
    return new Promise((resolve, reject) => this.#ends.push({ resolve, reject }));
  }

  async end(error?: Error): Promise<void> {
    const next = this.#ends.shift();
    if (error === undefined) next?.resolve();
    else next?.reject(error);
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

function op(seq: number): WriteOp {
  const hardState = { epoch: 1, votedFor: null, highWatermark: 0 };
  return { seq, hardState, entries: [], install: null, compactTo: null };
}

function opened(): { store: HeldStore; commit: GroupCommit; persisted: number[]; failures: unknown[] } {
  const store = new HeldStore();
  const persisted: number[] = [];
  const failures: unknown[] = [];
  const commit = new GroupCommit({
    store: store as unknown as RaftStore,
    onPersisted: (seq) => persisted.push(seq),
    onFailure: (error) => failures.push(error),
  });
  return { store, commit, persisted, failures };
}

test('group commit: writes submitted during a write are combined into the next one, in order', async () => {
  const { store, commit, persisted } = opened();
  commit.submit([op(1)]);
  commit.submit([op(2), op(3)]);
  commit.submit([op(4)]);
  await settled();
  expect(store.writes).toEqual([[1]]);
  expect(persisted).toEqual([]);
  await store.end();
  expect(persisted).toEqual([1]);
  expect(store.writes).toEqual([[1], [2, 3, 4]]);
  await store.end();
  expect(persisted).toEqual([1, 4]);
  await commit.idle();
});

test('group commit: after a write that failed nothing is written or reported', async () => {
  const { store, commit, persisted, failures } = opened();
  commit.submit([op(1)]);
  commit.submit([op(2)]);
  await store.end(new Error('EIO'));
  expect(failures).toHaveLength(1);
  expect(persisted).toEqual([]);
  expect(store.writes).toEqual([[1]]);
});
