/**
 * The Raft store on LevelDB. The log and the hard state are in one database, snapshots are files beside it. README.md describes
 * the layout.
 *
 * Invariants:
 * - There is one write at a time. It is one batch, which includes the hard state, and it is always synced.
 * - Frames follow each other without gaps and are chained by CRC.
 * - The log is compacted only below a durable snapshot.
 * - A write counts as complete only when the witness has its number.
 * - `open` refuses a state that contradicts itself, is older than the witness, or was written by a later release.
 */
import { Level } from 'level';
import { assert, at } from '../../base/assert.ts';
import type { FileSystem } from '../../base/file-system.ts';
import { located } from '../../base/later-release.ts';
import { MalformedError } from '../../base/protobuf.ts';
import type { Uuid } from '../../base/uuid.ts';
import { FixedReader } from '../../raft/fixed-reader.ts';
import { DamagedStoreError, type RaftStore, type RecoveredState, type WriteOp } from '../../raft/store.ts';
import { type Entry, entrySizeBytes, type SnapshotMeta } from '../../raft/types.ts';
import {
  decodeFrame,
  decodeHardState,
  encodeFrame,
  encodeHardState,
  type Frame,
  type StoredHardState,
} from './frame.ts';
import { diskErrorOf, isLevelDamage, levelWords } from './level-error.ts';
import { netChange, type NetChange } from './net-change.ts';
import { newestSnapshot, type SnapshotFile, type SnapshotPosition, writeSnapshot } from './snapshot-files.ts';
import { tablesProblem } from './tables.ts';
import { type WitnessState, Witness } from './witness.ts';

const frameBytesMax = 1024 * 1024;
const hardKey = new Uint8Array([0x68]);
const framePrefix = 0x6c;

/** The part of a stored frame that is kept in memory: all but its entries. */
interface FrameInfo {
  readonly firstOffset: number;
  readonly endOffset: number;
  readonly previousEpoch: number;
  readonly lastEpoch: number;
  readonly crc: number;
}

type Database = Level<Uint8Array, Uint8Array>;
type BatchOp = { type: 'put'; key: Uint8Array; value: Uint8Array } | { type: 'del'; key: Uint8Array };

function frameKey(offset: number): Uint8Array {
  const key = new Uint8Array(9);
  const view = new DataView(key.buffer);
  view.setUint8(0, framePrefix);
  view.setUint32(1, Math.floor(offset / 2 ** 32));
  view.setUint32(5, offset % 2 ** 32);
  return key;
}

export interface LevelRaftStoreOptions {
  readonly fs: FileSystem;
  /** Created when it does not exist. */
  readonly directory: string;
  /** A path outside of `directory`, so that the witness is not lost together with the directory. */
  readonly witnessPath: string;
  /**
   * The directory id that formatting gave to the metadata log directory. When the directory is formatted again, it gets another
   * id and is a new replica; the old witness then does not apply to it.
   */
  readonly directoryId: Uuid;
}

/** Makes the store of a metadata log directory. */
export function storeInMetadataDirectory(
  fs: FileSystem,
  { path, id }: { readonly path: string; readonly id: Uuid },
): LevelRaftStore {
  return new LevelRaftStore({
    fs,
    // The folder above may also contain the snapshot in Kafka's format that `kafka-storage format` writes.
    directory: `${path}/__cluster_metadata-0/raft`,
    witnessPath: `${path}/raft.witness`,
    directoryId: id,
  });
}

export class LevelRaftStore implements RaftStore {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #databasePath: string;
  readonly #witnessPath: string;
  readonly #witness: Witness;
  /** Null until `open`, because the constructor of `Level` already opens the database, and creates it. */
  #level: Database | null = null;
  #hard: StoredHardState = {
    hardState: { epoch: 0, votedFor: null, highWatermark: 0 },
    generation: 0,
    startOffset: 0,
    startEpoch: 0,
    endOffset: 0,
    chain: 0,
  };
  #frames: FrameInfo[] = [];
  /**
   * Positions (`end offset epoch`) of snapshots that did not match the log at the start. A position is removed when a snapshot
   * with it is written.
   */
  readonly #skippedSnapshots = new Set<string>();
  #busy = false;

  constructor(options: LevelRaftStoreOptions) {
    this.#fs = options.fs;
    this.#directory = options.directory;
    this.#databasePath = `${options.directory}/raft-log`;
    this.#witnessPath = options.witnessPath;
    this.#witness = new Witness({ ...options, path: options.witnessPath });
  }

  get #db(): Database {
    assert(this.#level !== null, 'the store is open');
    return this.#level;
  }

  async open(): Promise<RecoveredState> {
    try {
      return await this.#open();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #open(): Promise<RecoveredState> {
    await this.#fs.makeDirectory(this.#directory);
    const state = await this.#readWitness();
    await this.#openDatabase(state);
    const stored = await this.#readChecked('the hard state', () => this.#db.get(hardKey));
    if (stored === undefined) await this.#assertEmpty();
    else this.#hard = this.#checked('the hard state', () => decodeHardState(stored));
    await this.#compareWith(state);
    const { hardState, startOffset, startEpoch, endOffset } = this.#hard;
    if (hardState.highWatermark > endOffset) this.#damaged('the high watermark is ahead of the log');
    const matchesLog = async (position: SnapshotPosition): Promise<boolean> => {
      const matches = await this.#matchesLog(position);
      if (!matches) this.#skippedSnapshots.add(`${position.endOffset} ${position.epoch}`);
      return matches;
    };
    const { snapshot, problems } = await newestSnapshot(this.#fs, this.#directory, matchesLog);
    if (startOffset > 0 && (snapshot === null || snapshot.meta.endOffset < startOffset)) {
      const why = problems.length > 0 ? ` (${problems.join('; ')})` : '';
      this.#damaged(`the log begins at ${startOffset}, but no snapshot reaches up to there${why}`);
    }
    const meta = snapshot?.meta ?? null;
    return { hardState, snapshot: meta, startOffset, startEpoch, entries: this.#recover(meta) };
  }

  /**
   * Whether a snapshot belongs to the log. It does not when a crash interrupted its installation. Then the snapshot ends beyond
   * the log, or the log's last entry below the snapshot's end offset has another epoch and was never committed.
   */
  async #matchesLog({ endOffset, epoch }: SnapshotPosition): Promise<boolean> {
    if (endOffset > this.#hard.endOffset) return false;
    if (endOffset <= this.#hard.hardState.highWatermark || endOffset <= this.#hard.startOffset) return true;
    const last = endOffset - 1;
    const [found] = await this.#readChecked('the frames', () =>
      this.#db.iterator({ lte: frameKey(last), gte: frameKey(0), reverse: true, limit: 1 }).all(),
    );
    if (found === undefined) this.#damaged(`there is no frame with offset ${last}`);
    const frame = this.#checked(`the frame with offset ${last}`, () => decodeFrame(found[1]));
    return frame.entries[last - frame.firstOffset]?.epoch === epoch;
  }

  /**
   * Reads the witness. The witness is created before the database; so when there is a database but no witness, the witness was
   * lost. A witness from before the directory was formatted counts only when the database from that time still exists.
   */
  async #readWitness(): Promise<WitnessState> {
    const state = await this.#readChecked(`the witness ${this.#witnessPath}`, () => this.#witness.read());
    const isThere = (await this.#fs.stat(this.#databasePath)) !== null;
    if (state.kind === 'found' || (state.kind === 'foreign' && isThere)) return state;
    if (isThere) this.#damaged(`its witness ${this.#witnessPath} is missing`);
    await this.#witness.create(0);
    return { kind: 'found', generation: 0 };
  }

  async #openDatabase(state: WitnessState): Promise<void> {
    const problem = await tablesProblem(this.#fs, this.#databasePath);
    if (problem !== null) this.#damaged(problem);
    // LevelDB creates an empty database and removes the files of the old one when the file CURRENT is missing. So this is
    // checked before LevelDB opens the database.
    const createIfMissing = state.generation === 0;
    if (!createIfMissing && (await this.#fs.stat(`${this.#databasePath}/CURRENT`)) === null)
      this.#damaged(`${this.#databasePath}/CURRENT is missing`);
    this.#level = new Level<Uint8Array, Uint8Array>(this.#databasePath, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      compression: false,
      createIfMissing,
    });
    try {
      await this.#level.open();
    } catch (error) {
      if (isLevelDamage(error)) this.#damaged(levelWords(error));
      throw diskErrorOf(error, this.#databasePath);
    }
  }

  /**
   * The newest write in the database must not be older than the witness. It may be newer: the node stopped before it updated
   * the witness, so it has not acknowledged that write to any peer.
   */
  async #compareWith(state: WitnessState): Promise<void> {
    const witnessed = state.generation;
    const { generation } = this.#hard;
    if (generation < witnessed)
      this.#damaged(`its newest write is number ${generation}, but number ${witnessed} was durable`);
    if (state.kind === 'foreign') await this.#witness.create(generation);
    else if (generation > witnessed) await this.#witness.advance(generation);
  }

  async #assertEmpty(): Promise<void> {
    const keys = await this.#readChecked('the keys', () => this.#db.keys({ limit: 1 }).all());
    if (keys.length > 0) this.#damaged('there are log entries but no hard state');
  }

  /** Reads and checks all frames in order, and yields their entries. */
  async *#recover(snapshot: SnapshotMeta | null): AsyncGenerator<readonly Entry[]> {
    let expected = { offset: this.#hard.startOffset, epoch: this.#hard.startEpoch, chain: -1 };
    for await (const [key, value] of this.#storedFrames()) {
      const offset = this.#checked('the key of a frame', () => new FixedReader(key, 1).i64());
      const frame = this.#checked(`the frame at offset ${offset}`, () => decodeFrame(value));
      this.#checkFrame(frame, offset, expected);
      const last = at(frame.entries, frame.entries.length - 1);
      this.#remember(frame, frame.crc);
      expected = { offset: last.offset + 1, epoch: last.epoch, chain: frame.crc };
      this.#checkSnapshot(snapshot, frame);
      yield frame.entries;
    }
    const { endOffset, chain, hardState } = this.#hard;
    if (expected.offset !== endOffset)
      this.#damaged(`the log ends at ${expected.offset} instead of ${endOffset}`);
    if (this.#frames.length > 0 && expected.chain !== chain)
      this.#damaged('the last frame is not the one written last');
    if (expected.epoch > hardState.epoch) this.#damaged('an entry is of a later epoch than the replica');
  }

  async *#storedFrames(): AsyncGenerator<[Uint8Array, Uint8Array]> {
    const iterator = this.#db.iterator({
      gte: new Uint8Array([framePrefix]),
      lt: new Uint8Array([framePrefix + 1]),
    });
    try {
      for (;;) {
        const found = await this.#readChecked('the frames', () => iterator.next());
        if (found === undefined) return;
        yield found;
      }
    } finally {
      await iterator.close();
    }
  }

  #checkFrame(frame: Frame, key: number, expected: { offset: number; epoch: number; chain: number }): void {
    if (frame.firstOffset !== key)
      this.#damaged(`the frame at offset ${key} belongs at ${frame.firstOffset}`);
    if (key !== expected.offset) this.#damaged(`a frame begins at ${key} where ${expected.offset} is next`);
    if (frame.previousEpoch !== expected.epoch) this.#damaged(`epochs do not continue at offset ${key}`);
    if (expected.chain >= 0 && frame.chain !== expected.chain)
      this.#damaged(`the frame before offset ${key} was replaced`);
    if (frame.generation > this.#hard.generation)
      this.#damaged(`the frame at offset ${key} is newer than the hard state`);
    let epoch = expected.epoch;
    for (const entry of frame.entries) {
      if (entry.epoch < epoch) this.#damaged(`the epoch goes back at offset ${entry.offset}`);
      epoch = entry.epoch;
    }
  }

  #checkSnapshot(snapshot: SnapshotMeta | null, frame: Frame): void {
    if (snapshot === null) return;
    const last = frame.entries[snapshot.endOffset - 1 - frame.firstOffset];
    if (last !== undefined && last.epoch !== snapshot.epoch) {
      this.#damaged(
        `the snapshot at ${snapshot.endOffset} is of epoch ${snapshot.epoch}, the log says ${last.epoch}`,
      );
    }
  }

  #checked<T>(what: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof MalformedError) this.#damaged(`${what}: ${error.message}`);
      throw located(`The metadata log in ${this.#directory}, ${what}`, error);
    }
  }

  /** Runs a read at the start. When `read` or LevelDB finds damage, the start ends with an explanation. */
  async #readChecked<T>(what: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof MalformedError || isLevelDamage(error))
        this.#damaged(`${what}: ${levelWords(error)}`);
      throw diskErrorOf(
        located(`The metadata log in ${this.#directory}, ${what}`, error),
        this.#databasePath,
      );
    }
  }

  #damaged(what: string): never {
    throw new DamagedStoreError(
      `The metadata log in ${this.#directory} is damaged: ${what}. This node can no longer know what it voted for and ` +
        'acknowledged, so it does not start. If the other controllers are a majority, move this directory, ' +
        `${this.#witnessPath} and meta.properties beside it away and keep them, format again ` +
        '(kafka-storage format) and start: the node copies the log from the others. In a dynamic quorum remove its old ' +
        'replica first (kafka-metadata-quorum remove-controller), and add it again when it runs (add-controller).',
    );
  }

  async write(ops: readonly WriteOp[]): Promise<void> {
    assert(!this.#busy, 'one write at a time');
    assert(ops.length > 0, 'a write has something to do');
    this.#busy = true;
    const change = netChange(ops);
    if (change.install !== null) await this.#saveFile(change.install);
    const batch: BatchOp[] = [];
    const generation = this.#hard.generation + 1;
    const frames = await this.#truncated(change, batch, generation);
    this.#append(change, frames, batch, generation);
    const hard = this.#compact(change, frames, batch, generation);
    batch.push({ type: 'put', key: hardKey, value: encodeHardState(hard) });
    try {
      await this.#db.batch(batch, { sync: true });
    } catch (error) {
      throw diskErrorOf(error, this.#databasePath);
    }
    await this.#witness.advance(generation);
    this.#frames = frames;
    this.#hard = hard;
    this.#busy = false;
  }

  /** Removes the entries from `change.truncateTo` on. Adds the operations to `batch` and returns the frames that remain. */
  async #truncated(change: NetChange, batch: BatchOp[], generation: number): Promise<FrameInfo[]> {
    if (change.install !== null) {
      for (const frame of this.#frames) batch.push({ type: 'del', key: frameKey(frame.firstOffset) });
      return [];
    }
    const from = change.truncateTo;
    const kept = this.#frames.filter((frame) => frame.firstOffset < from);
    for (const frame of this.#frames.slice(kept.length)) {
      batch.push({ type: 'del', key: frameKey(frame.firstOffset) });
    }
    const last = kept.at(-1);
    if (last === undefined || last.endOffset <= from) return kept;
    const whole = await this.#readFrame(last);
    if (whole === null) this.#damaged(`the frame at offset ${last.firstOffset} is gone`);
    const entries = whole.entries.slice(0, from - last.firstOffset);
    const { bytes, crc } = encodeFrame({ ...whole, entries, generation });
    batch.push({ type: 'put', key: frameKey(last.firstOffset), value: bytes });
    kept[kept.length - 1] = frameInfo({ ...whole, entries }, crc);
    return kept;
  }

  #append(change: NetChange, frames: FrameInfo[], batch: BatchOp[], generation: number): void {
    let begin = 0;
    while (begin < change.entries.length) {
      let end = begin;
      let sizeBytes = 0;
      do sizeBytes += entrySizeBytes(at(change.entries, end++));
      while (end < change.entries.length && sizeBytes < frameBytesMax);
      const before = frames.at(-1);
      const frame: Frame = {
        firstOffset: at(change.entries, begin).offset,
        previousEpoch: before?.lastEpoch ?? change.install?.meta.epoch ?? this.#hard.startEpoch,
        generation,
        chain: before?.crc ?? 0,
        entries: change.entries.slice(begin, end),
      };
      const { bytes, crc } = encodeFrame(frame);
      batch.push({ type: 'put', key: frameKey(frame.firstOffset), value: bytes });
      frames.push(frameInfo(frame, crc));
      begin = end;
    }
  }

  /** Removes frames that lie completely below `change.compactTo`, but never the last frame. Returns the new hard state. */
  #compact(change: NetChange, frames: FrameInfo[], batch: BatchOp[], generation: number): StoredHardState {
    let startOffset = change.install?.meta.endOffset ?? this.#hard.startOffset;
    let startEpoch = change.install?.meta.epoch ?? this.#hard.startEpoch;
    const endOffset = frames.at(-1)?.endOffset ?? startOffset;
    const chain = frames.at(-1)?.crc ?? 0;
    let gone = 0;
    // The last frame stays, because its CRC is the end of the chain.
    while (gone < frames.length - 1 && at(frames, gone).endOffset <= change.compactTo) {
      batch.push({ type: 'del', key: frameKey(at(frames, gone).firstOffset) });
      gone += 1;
    }
    if (gone > 0) {
      frames.splice(0, gone);
      startOffset = at(frames, 0).firstOffset;
      startEpoch = at(frames, 0).previousEpoch;
    }
    return { hardState: change.hardState, generation, startOffset, startEpoch, endOffset, chain };
  }

  async #saveFile(snapshot: SnapshotFile): Promise<void> {
    const { meta, bytes } = snapshot;
    await writeSnapshot(this.#fs, this.#directory, meta, bytes);
    this.#skippedSnapshots.delete(`${meta.endOffset} ${meta.epoch}`);
  }

  #remember(frame: Frame, crc: number): void {
    this.#frames.push(frameInfo(frame, crc));
  }

  /** Returns null when a write in progress has removed or replaced the frame. */
  async #readFrame(info: FrameInfo): Promise<Frame | null> {
    const value = await this.#db.get(frameKey(info.firstOffset));
    if (value === undefined) return null;
    const frame = this.#checked(`the frame at offset ${info.firstOffset}`, () => decodeFrame(value));
    return frame.crc === info.crc ? frame : null;
  }

  async read(from: number, endOffset: number, bytesMax: number): Promise<Entry[] | null> {
    const entries: Entry[] = [];
    let sizeBytes = 0;
    let next = from;
    while (next < endOffset && sizeBytes < bytesMax) {
      const info = this.#frameAt(next);
      if (info === null) break;
      const frame = await this.#readFrame(info);
      if (frame === null) break;
      for (const entry of frame.entries) {
        if (entry.offset < next || entry.offset >= endOffset) continue;
        sizeBytes += entrySizeBytes(entry);
        if (entries.length > 0 && sizeBytes > bytesMax) break;
        entries.push(entry);
      }
      next = info.endOffset;
    }
    return entries.length === 0 ? null : entries;
  }

  #frameAt(offset: number): FrameInfo | null {
    let low = 0;
    let high = this.#frames.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const frame = at(this.#frames, middle);
      if (offset < frame.firstOffset) high = middle - 1;
      else if (offset >= frame.endOffset) low = middle + 1;
      else return frame;
    }
    return null;
  }

  async saveSnapshot(meta: SnapshotMeta, bytes: Uint8Array): Promise<void> {
    await this.#saveFile({ meta, bytes });
  }

  async readSnapshot(): Promise<SnapshotFile | null> {
    const matchesLog = ({ endOffset, epoch }: SnapshotPosition): boolean =>
      endOffset <= this.#hard.endOffset && !this.#skippedSnapshots.has(`${endOffset} ${epoch}`);
    return (await newestSnapshot(this.#fs, this.#directory, matchesLog)).snapshot;
  }

  async close(): Promise<void> {
    await this.#level?.close();
    await this.#witness.close();
  }
}

function frameInfo(frame: Frame, crc: number): FrameInfo {
  const last = at(frame.entries, frame.entries.length - 1);
  return {
    firstOffset: frame.firstOffset,
    endOffset: last.offset + 1,
    previousEpoch: frame.previousEpoch,
    lastEpoch: last.epoch,
    crc,
  };
}
