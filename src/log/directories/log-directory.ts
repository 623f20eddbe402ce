/** One entry of `log.dirs`: its lock, its clean shutdown file and its checkpoints. `LogManager` owns the logs in it. */
import type { Scheduler } from '../../base/clock.ts';
import type { FileLock, FileSystem } from '../../base/file-system.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OffsetCheckpoint } from './checkpoints.ts';
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
  /** The error that took it offline. */
  failure: unknown;
  /** Gets no new replicas (`cordoned.log.dirs`). */
  isCordoned = false;
  /** Number of logs in it, and of logs that are being created in it. */
  logsCount = 0;
  /** Not known before `begin`. */
  wasClean = false;
  /** Broker epoch of the last clean shutdown; -1: unknown. */
  previousBrokerEpoch = -1;
  /** Kinds of checkpoints whose offsets have changed since they were written. */
  readonly dirty = new Set<CheckpointKind>();
  /** For each checkpoint the write in progress, and one that waits for it. */
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

  /** Reads and removes the clean shutdown file, so that a crash from now on is not taken for a clean shutdown. */
  async begin(): Promise<void> {
    const marker = await readCleanShutdown(this.#fs, this.path);
    this.wasClean = marker !== null;
    this.previousBrokerEpoch = marker?.brokerEpoch ?? -1;
    if (marker === null) return;
    await this.#fs.remove(`${this.path}/${cleanShutdownName}`);
    await this.#fs.syncDirectory(this.path);
  }

  async markClean(brokerEpoch: number): Promise<void> {
    await writeCleanShutdown(this.#fs, this.path, brokerEpoch);
  }

  /** A damaged checkpoint counts as empty: all logs are recovered from their first segment. */
  async readCheckpoint(kind: CheckpointKind): Promise<OffsetCheckpoint> {
    const offsets = await readOffsetCheckpoint(this.#fs, `${this.path}/${checkpointNames[kind]}`);
    if (offsets !== null) return offsets;
    const path = `${this.path}/${checkpointNames[kind]}`;
    if (kind === 'logStart')
      this.#logger.warn('the checkpoint of log start offsets is damaged and is ignored', { path });
    else this.#logger.warn('a checkpoint is damaged and is ignored', { path });
    return new Map();
  }

  /** Logs were added or removed, so all checkpoints must be written. */
  dirtyAll(): void {
    for (const kind of checkpointKinds) this.dirty.add(kind);
  }

  /** Writes the result of `collect`, which is called when the write begins. Calls that wait for the same write share it. */
  writeCheckpoint(kind: CheckpointKind, collect: () => Promise<OffsetCheckpoint>): Promise<void> {
    const write = async (): Promise<void> => {
      this.dirty.delete(kind);
      const path = `${this.path}/${checkpointNames[kind]}`;
      await writeOffsetCheckpoint(this.#fs, path, await collect(), this.#scheduler);
    };
    const turn = this.#writes.get(kind);
    if (turn === undefined) {
      const mine = { running: Promise.resolve(), next: null as Promise<void> | null };
      this.#writes.set(kind, mine);
      mine.running = write().finally(() => {
        if (mine.next === null) this.#writes.delete(kind);
      });
      return mine.running;
    }
    if (turn.next !== null) return turn.next;
    const after = turn.running.then(
      () => this.#following(kind, write),
      () => this.#following(kind, write),
    );
    turn.next = after;
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
