/** One entry of `log.dirs`: its lock, its clean shutdown file and its checkpoints. `LogManager` owns the logs in it. */
import type { Scheduler } from '../../base/clock.ts';
import type { FileLock, FileSystem } from '../../base/file-system.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OffsetCheckpoint } from './checkpoints.ts';
import type { OffsetRange } from '../segment/transaction-index.ts';
import { forgetLost, type LostReplicas, readLost, writeLost } from './lost-replicas.ts';
import {
  readCleanShutdown,
  readOffsetCheckpoint,
  writeCleanShutdown,
  writeOffsetCheckpoint,
} from './checkpoints.ts';
import {
  cleanerCheckpointName,
  cleanShutdownName,
  highWatermarkCheckpointName,
  lockName,
  logStartCheckpointName,
  recoveryPointCheckpointName,
} from '../names.ts';

const checkpointNames = {
  recoveryPoint: recoveryPointCheckpointName,
  highWatermark: highWatermarkCheckpointName,
  logStart: logStartCheckpointName,
  cleaner: cleanerCheckpointName,
} as const;

export type CheckpointKind = keyof typeof checkpointNames;
export const checkpointKinds = Object.keys(checkpointNames) as readonly CheckpointKind[];

export class LogDirectory {
  readonly path: string;
  readonly id: Uuid;
  readonly #fs: FileSystem;
  readonly #scheduler: Scheduler;
  readonly #logger: Logger;
  #lock: FileLock | null = null;
  /** The error that took the directory offline; null while it is online. */
  failure: unknown;
  /** The directory gets no new replicas, because it is in `cordoned.log.dirs`. */
  isCordoned = false;
  /** How many logs are in the directory or are being created in it. */
  logsCount = 0;
  /** Whether the last shutdown was clean; known after `begin`. */
  wasClean = false;
  /** All its logs are open. Before that the checkpoints must not be written: they name logs that this broker does not know. */
  isLoaded = false;
  /** Broker epoch of the last clean shutdown; -1: unknown. */
  previousBrokerEpoch = -1;
  /** Replicas that lack records: this start, or an earlier one, did not find them. */
  readonly lost: LostReplicas = new Map();
  /**
   * Partitions that had records at the last shutdown and whose directories are missing now, with the offsets of these records.
   */
  readonly absent = new Map<string, OffsetRange>();
  /** For each checkpoint: partitions whose logs have left the directory, although the file still names them. */
  readonly departed: Readonly<Record<'recoveryPoint' | 'logStart', Set<string>>> = {
    recoveryPoint: new Set(),
    logStart: new Set(),
  };
  /** The checkpoints in which an offset has changed since they were written. */
  readonly dirty = new Set<CheckpointKind>();
  /** By checkpoint: the write in progress, and the one that will follow it. */
  readonly #writes = new Map<CheckpointKind, { running: Promise<void>; next: Promise<void> | null }>();

  constructor(
    resources: { readonly fs: FileSystem; readonly scheduler: Scheduler; readonly logger: Logger },
    path: string,
    id: Uuid,
    failure: unknown,
  ) {
    this.#fs = resources.fs;
    this.#scheduler = resources.scheduler;
    this.#logger = resources.logger;
    this.path = path;
    this.id = id;
    this.failure = failure;
  }

  get isOffline(): boolean {
    return this.failure !== null;
  }

  async lock(): Promise<void> {
    this.#lock = await this.#fs.lock(`${this.path}/${lockName}`);
    if (this.#lock !== null) return;
    throw new Error(
      `Failed to acquire lock on file .lock in ${this.path}. A Kafka instance in another process or thread is using this directory.`,
    );
  }

  async unlock(): Promise<void> {
    await this.#lock?.release();
    this.#lock = null;
  }

  /** Reads the clean shutdown file and removes it: if the process crashes from now on, the shutdown was not clean. */
  async begin(): Promise<void> {
    const marker = await readCleanShutdown(this.#fs, this.path);
    this.wasClean = marker !== null;
    this.previousBrokerEpoch = marker?.brokerEpoch ?? -1;
    await readLost(this.#fs, this.path, this.lost);
    if (marker === null) return;
    await this.#fs.remove(`${this.path}/${cleanShutdownName}`);
    await this.#fs.syncDirectory(this.path);
  }

  /** Writes `lost` to a file, which is kept until the controller has recorded the replicas. */
  async writeLost(): Promise<void> {
    await writeLost(this.#fs, this.path, this.lost, this.#scheduler);
  }

  async forgetLost(): Promise<void> {
    await forgetLost(this.#fs, this.path, this.lost);
  }

  /**
   * `brokerEpoch`: null when this incarnation was not registered. It has appended no record, so the last epoch remains right.
   */
  async markClean(brokerEpoch: number | null): Promise<void> {
    await writeCleanShutdown(this.#fs, this.path, brokerEpoch ?? this.previousBrokerEpoch);
  }

  /**
   * Reads a checkpoint. A damaged one counts as empty; with a damaged recovery checkpoint all logs are recovered from their
   * beginning.
   */
  async readCheckpoint(kind: CheckpointKind): Promise<OffsetCheckpoint> {
    const offsets = await readOffsetCheckpoint(this.#fs, `${this.path}/${checkpointNames[kind]}`);
    if (offsets !== null) return offsets;
    const path = `${this.path}/${checkpointNames[kind]}`;
    if (kind === 'logStart')
      this.#logger.warn('the checkpoint of log start offsets is damaged and is ignored', { path });
    else this.#logger.warn('a checkpoint is damaged and is ignored', { path });
    return new Map();
  }

  /** Marks all checkpoints to be written, because logs were added or removed. */
  dirtyAll(): void {
    for (const kind of checkpointKinds) this.dirty.add(kind);
  }

  /** Called when the log `name` was removed from this directory. */
  left(name: string): void {
    this.dirtyAll();
    this.departed.recoveryPoint.add(name);
    this.departed.logStart.add(name);
  }

  /**
   * Writes the offsets that `collect` returns. `collect` is called when the write begins. Calls during a write share the write
   * that follows it.
   */
  writeCheckpoint(kind: CheckpointKind, collect: () => Promise<OffsetCheckpoint>): Promise<void> {
    const write = async (): Promise<void> => {
      this.dirty.delete(kind);
      const departed = kind === 'recoveryPoint' || kind === 'logStart' ? this.departed[kind] : null;
      const left = [...(departed ?? [])];
      const path = `${this.path}/${checkpointNames[kind]}`;
      await writeOffsetCheckpoint(this.#fs, path, await collect(), this.#scheduler);
      for (const name of left) departed?.delete(name);
    };
    const current = this.#writes.get(kind);
    if (current === undefined) {
      const mine = { running: Promise.resolve(), next: null as Promise<void> | null };
      this.#writes.set(kind, mine);
      mine.running = write().finally(() => {
        if (mine.next === null) this.#writes.delete(kind);
      });
      return mine.running;
    }
    if (current.next !== null) return current.next;
    const after = current.running.then(
      () => this.#following(kind, write),
      () => this.#following(kind, write),
    );
    current.next = after;
    return after;
  }

  async #following(kind: CheckpointKind, write: () => Promise<void>): Promise<void> {
    const mine = { running: Promise.resolve(), next: null as Promise<void> | null };
    this.#writes.set(kind, mine);
    mine.running = write().finally(() => {
      if (mine.next === null) this.#writes.delete(kind);
    });
    await mine.running;
  }
}
