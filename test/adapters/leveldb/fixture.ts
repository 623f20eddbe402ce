/** Helpers of the tests of the store: entries and writes made by hand, and the state that a store recovers. */
import { systemFileSystem } from '../../../src/adapters/file-system.ts';
import { LevelRaftStore } from '../../../src/adapters/leveldb/raft-store.ts';
import type { FileSystem } from '../../../src/base/file-system.ts';
import { nodeId } from '../../../src/base/ids.ts';
import type { DiskImage } from '../../../src/raft/memory-store.ts';
import type { RaftStore, WriteOp } from '../../../src/raft/store.ts';
import type { Entry, HardState } from '../../../src/raft/types.ts';

export const directoryId = 'AAAAAAAAAAAAAAAAAAAAAw';

/** A store of which nothing but `path` is left behind. */
export function storeAt(path: string, fs: FileSystem = systemFileSystem, id = directoryId): LevelRaftStore {
  return new LevelRaftStore({
    fs,
    directory: `${path}/raft`,
    witnessPath: `${path}/witness`,
    directoryId: id,
  });
}

export function entry(offset: number, epoch: number, sizeBytes = 20): Entry {
  return {
    offset,
    epoch,
    kind: 'data',
    payload: new Uint8Array(sizeBytes).fill(offset & 255),
    appendedMs: 1000 + offset,
  };
}

export function hard(epoch: number, highWatermark = 0): HardState {
  return { epoch, votedFor: { id: nodeId(2), directoryId: 'AAAAAAAAAAAAAAAAAAAAAg' }, highWatermark };
}

let nextSeq = 1;

export function write(parts: Partial<WriteOp>): WriteOp {
  return { seq: nextSeq++, hardState: hard(1), entries: [], install: null, compactTo: null, ...parts };
}

/** Opens the store and reads all of it, as a start does. */
export async function imageOf(store: RaftStore): Promise<DiskImage> {
  const { hardState, startOffset, startEpoch, entries } = await store.open();
  const all: Entry[] = [];
  for await (const some of entries)
    all.push(...some.map((one) => ({ ...one, payload: Uint8Array.from(one.payload) })));
  return { hardState, snapshot: await store.readSnapshot(), startOffset, startEpoch, entries: all };
}
