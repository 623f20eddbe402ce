/**
 * Moves of replicas between the log directories of this broker (AlterReplicaLogDirs, KIP-113). Each move copies a log into a
 * `…-future` directory of the target, reports the new directory to the controller when the copy has caught up, and swaps the files
 * when the controller has recorded it (KIP-858). The number of concurrent moves is limited; all share one rate.
 *
 * Invariants: a log has at most one move. The copy never has a record that the log has not (a truncation of the log is repeated on
 * the copy before anything else is copied). The files of the log are removed only after a complete, synced copy has its name.
 *
 * A clean stop keeps the copy and the next start continues it, from the offset at which the leader epochs of copy and log diverge,
 * because the log may have been truncated meanwhile. After an unclean stop the copy is made again.
 */
import { sleep } from '../../base/clock.ts';
import type { StorageError } from '../../base/file-system.ts';
import { mark } from '../../base/mark.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import { randomUuid, type Uuid } from '../../base/uuid.ts';
import type { LogDirectory } from './log-directory.ts';
import type { LogResources } from '../log-state.ts';
import { markedDirectoryName } from '../names.ts';
import { PartitionLog } from '../partition-log.ts';

export interface LogMovesOptions {
  readonly resources: LogResources;
  /** `replica.alter.log.dirs.io.max.bytes.per.second`. */
  readonly rate: () => number;
  /** `num.replica.alter.log.dirs.threads`. */
  readonly runningMax: number;
  /** The disk with the copy failed. */
  readonly onCopyFailure: (directory: LogDirectory, error: StorageError) => void;
  /** Reports the future directory of the replica to the controller; resolves when that is recorded. */
  readonly assign: (log: PartitionLog, directory: Uuid) => Promise<void>;
  /** Id of the directory of the log; null when the log was deleted. */
  readonly directoryIdOf: (log: PartitionLog) => Uuid | null;
  /** The copy is complete, and the log accepts no writes now. */
  readonly beforeSwap: (move: LogMove) => Promise<void>;
  /** The files of the copy are those of the log now; the old files are at `oldPath`. */
  readonly onSwapped: (move: LogMove, oldPath: string) => void;
}

const chunkBytes = 1024 * 1024;
const idlePollMs = 20;

export class LogMove {
  readonly log: PartitionLog;
  readonly target: LogDirectory;
  copy: PartitionLog | null = null;
  /** The controller has recorded the target directory. */
  isAssigned = false;
  isCancelled = false;
  /** The copy has replaced the log. */
  isSwapped = false;
  /** Settles when the move has ended. */
  done: Promise<void> = Promise.resolve();
  /** Smallest end offset of a truncation of the log that was not repeated on the copy yet. */
  truncatedTo: number | null = null;

  constructor(log: PartitionLog, target: LogDirectory) {
    this.log = log;
    this.target = target;
  }

  /** Records of the copy at `end` or above must be removed. */
  truncated(end: number): void {
    this.truncatedTo = Math.min(this.truncatedTo ?? end, end);
  }
}

/**
 * The offset up to which a copy has the records of its log: where both have the same leader epoch, they have the same records
 * (KIP-101). Gaps in a compacted log may make it smaller, never larger.
 */
function sharedEnd(log: PartitionLog, copy: PartitionLog): number {
  const from = Math.max(log.logStartOffset, copy.logStartOffset);
  const end = Math.min(log.logEndOffset, copy.logEndOffset);
  const starts = [...log.state.epochs.entries, ...copy.state.epochs.entries].map(
    (entry) => entry.startOffset,
  );
  const parting = [from, ...starts].filter(
    (offset) => offset >= from && offset < end && log.epochAt(offset) !== copy.epochAt(offset),
  );
  return Math.min(end, ...parting);
}

interface FoundCopy {
  readonly directory: LogDirectory;
  readonly path: string;
}

export class LogMoves {
  readonly #options: LogMovesOptions;
  readonly #bucket: TokenBucket;
  /** Copies that an earlier incarnation left, by the name of the partition. */
  readonly #found = new Map<string, FoundCopy>();
  readonly #moves = new Map<PartitionLog, LogMove>();
  readonly #queue: { move: LogMove; copyPath: string | null }[] = [];
  readonly #running = new Set<Promise<void>>();
  /** Removals of copies in progress. A clean stop waits for them, so that no start continues an incomplete copy. */
  readonly #removing = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: LogMovesOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.resources.clock, options.rate);
  }

  /** An earlier incarnation began to copy a partition to `path`. */
  found(name: string, directory: LogDirectory, path: string): void {
    this.#found.set(name, { directory, path });
  }

  /**
   * Names and directories of found copies without a log: the node ended between the two renames of a swap. Of the other copies,
   * those of an unclean incarnation are removed.
   */
  orphans(hasLog: (name: string) => boolean): [string, LogDirectory][] {
    const orphans: [string, LogDirectory][] = [];
    for (const [name, { directory, path }] of [...this.#found]) {
      if (!hasLog(name)) orphans.push([name, directory]);
      else if (!directory.wasClean) {
        this.#found.delete(name);
        void this.#track(this.#remove(path));
      }
    }
    return orphans;
  }

  /** The directory with this id, if it has a found copy of the partition. */
  orphanIn(name: string, directoryId: Uuid | null): LogDirectory | null {
    const found = this.#found.get(name);
    return found !== undefined && found.directory.id === directoryId ? found.directory : null;
  }

  /** Renames a found copy to the name of the partition. */
  async promote(name: string): Promise<void> {
    const { fs } = this.#options.resources;
    const { directory, path } = this.#found.get(name) as FoundCopy;
    this.#found.delete(name);
    await fs.rename(path, `${directory.path}/${name}`);
    await fs.syncDirectory(directory.path);
  }

  /** Continues the moves whose copies were found. */
  resume(logOf: (name: string) => PartitionLog | null): void {
    for (const [name, { directory, path }] of [...this.#found]) {
      const log = logOf(name);
      if (log === null) continue;
      this.#found.delete(name);
      this.begin(log, directory, path);
    }
  }

  of(log: PartitionLog): LogMove | null {
    return this.#moves.get(log) ?? null;
  }

  all(): Iterable<LogMove> {
    return this.#moves.values();
  }

  /** `copyPath`: the copy that an earlier incarnation of this broker left. */
  begin(log: PartitionLog, target: LogDirectory, copyPath: string | null = null): void {
    if (this.#stopped || this.#moves.has(log)) return;
    const move = new LogMove(log, target);
    this.#moves.set(log, move);
    log.onTruncated = (end) => move.truncated(end);
    this.#queue.push({ move, copyPath });
    this.#next();
  }

  /** Resolves when the copy is no longer used and its files are removed. */
  async cancel(log: PartitionLog): Promise<void> {
    const move = this.#moves.get(log);
    if (move === undefined) return;
    this.#end(move);
    await this.#track(this.#undo(move));
  }

  async #undo(move: LogMove): Promise<void> {
    await move.done;
    const { copy } = move;
    if (copy !== null && !move.isSwapped) await this.#discard(copy);
  }

  /** The disk of a copy failed: the replica stays where it is. */
  directoryFailed(directory: LogDirectory, error: StorageError): void {
    for (const { target, copy } of this.#moves.values()) if (target === directory) copy?.writer.fail(error);
  }

  /** Closes the copies, so that a clean start can continue them. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const moves = [...this.#moves.values()];
    for (const move of moves) this.#end(move);
    await Promise.all(this.#running);
    for (const { copy, isSwapped } of moves)
      if (copy !== null && !isSwapped && !copy.isOffline) await copy.close();
    await Promise.all(this.#removing);
  }

  #track(removal: Promise<void>): Promise<void> {
    const tracked = removal.finally(() => this.#removing.delete(tracked));
    this.#removing.add(tracked);
    return tracked;
  }

  #end(move: LogMove): void {
    move.isCancelled = true;
    move.log.onTruncated = null;
    if (this.#moves.get(move.log) === move) this.#moves.delete(move.log);
  }

  #next(): void {
    if (this.#running.size >= this.#options.runningMax) return;
    const queued = this.#queue.shift();
    if (queued === undefined) return;
    const run = this.#run(queued.move, queued.copyPath).finally(() => {
      this.#running.delete(run);
      this.#next();
    });
    queued.move.done = run;
    this.#running.add(run);
    this.#next();
  }

  async #run(move: LogMove, copyPath: string | null): Promise<void> {
    const { log, target } = move;
    const { logger } = this.#options.resources;
    const fields = { partition: `${log.topic}-${log.partition}`, to: target.path };
    try {
      if (move.isCancelled) return;
      move.copy = await this.#openCopy(log, target, copyPath);
      if (copyPath !== null) move.truncated(sharedEnd(log, move.copy));
      logger.info('a replica moves to another log directory', fields);
      await this.#copyAll(move, move.copy);
      if (move.isCancelled) return;
      await this.#swap(move, move.copy);
      mark('log.replica-moved');
      logger.info('a replica has moved to another log directory', fields);
    } catch (error) {
      if (move.isCancelled) return;
      logger.error('a replica could not be moved', { ...fields, error: String(error) });
      const { copy } = move;
      this.#end(move);
      if (copy !== null) await this.#discard(copy);
      // The metadata may name the target already.
      const directory = this.#options.directoryIdOf(log);
      if (move.isAssigned && directory !== null) await this.#options.assign(log, directory);
    }
  }

  /** Copies until the copy has caught up and the controller has recorded the target. */
  async #copyAll(move: LogMove, copy: PartitionLog): Promise<void> {
    const { resources } = this.#options;
    const bucket = this.#bucket;
    let isRecorded = false;
    while (!move.isCancelled) {
      if (await this.#copySome(move, copy, true)) continue;
      if (isRecorded) return;
      if (!move.isAssigned) {
        // Records that are synced now need not be synced while the log accepts no writes.
        await copy.flush();
        move.isAssigned = true;
        void this.#options.assign(move.log, move.target.id).then(() => {
          isRecorded = true;
        });
      }
      await sleep(resources.scheduler, Math.max(idlePollMs, bucket.waitMs()));
    }
  }

  /** Under load the copy is always a little behind: the last records are copied while the log accepts no writes. */
  async #swap(move: LogMove, copy: PartitionLog): Promise<void> {
    const { log } = move;
    const { random } = this.#options.resources;
    const leaving = markedDirectoryName(log.topic, log.partition, randomUuid(random), 'delete');
    const oldPath = await log.relocate(copy, leaving, async () => {
      while (await this.#copySome(move, copy, false));
      if (copy.logEndOffset !== log.logEndOffset) throw new Error('the copy is not complete');
      await this.#options.beforeSwap(move);
      if (move.isCancelled) throw new Error('the move was cancelled');
    });
    move.isSwapped = true;
    this.#options.onSwapped(move, oldPath);
    this.#end(move);
  }

  /** Returns false when the copy has reached the end of the log. */
  async #copySome(move: LogMove, copy: PartitionLog, mayWait: boolean): Promise<boolean> {
    const { log } = move;
    const { resources } = this.#options;
    const bucket = this.#bucket;
    log.state.checkUsable();
    copy.state.checkUsable();
    await this.#followTruncation(move, copy);
    if (copy.logEndOffset >= log.logEndOffset) return false;
    const from = Math.max(copy.logEndOffset, log.logStartOffset);
    if (from >= log.logEndOffset) {
      await copy.truncateFullyAndStartAt(from);
      return true;
    }
    const { records, firstOffset } = await log.read(from, chunkBytes, log.logEndOffset, true);
    // An empty copy begins with the batch that contains the first record.
    if (firstOffset !== copy.logEndOffset && copy.sizeBytes === 0)
      await copy.truncateFullyAndStartAt(firstOffset);
    await copy.appendAsFollower(records).written;
    bucket.take(records.length);
    while (mayWait && bucket.waitMs() > 0 && !move.isCancelled)
      await sleep(resources.scheduler, Math.min(bucket.waitMs(), 1000));
    return true;
  }

  async #openCopy(log: PartitionLog, target: LogDirectory, found: string | null): Promise<PartitionLog> {
    const { resources } = this.#options;
    const { topic, partition, topicId } = log;
    const fresh = `${target.path}/${markedDirectoryName(topic, partition, randomUuid(resources.random), 'future')}`;
    const copy = await PartitionLog.open({
      directory: found ?? fresh,
      topic,
      partition,
      topicId,
      config: log.state.config,
      resources,
      callbacks: {
        onFailure: (error) => this.#options.onCopyFailure(target, error),
        persistRecoveryPoints: () => Promise.resolve(),
        onTouched: () => undefined,
        onOffsetMoved: () => undefined,
      },
      isClean: true,
      recoveryPoint: 0,
      logStartOffset: 0,
      highWatermark: 0,
      exists: found !== null,
    });
    await copy.materialise();
    return copy;
  }

  async #discard(copy: PartitionLog): Promise<void> {
    await copy.abandon();
    await this.#remove(copy.directory);
  }

  async #remove(path: string): Promise<void> {
    const { fs, logger } = this.#options.resources;
    await fs.remove(path).catch((error: unknown) => {
      logger.warn('the copy of a replica could not be removed', { path, error: String(error) });
    });
  }

  async #followTruncation(move: LogMove, copy: PartitionLog): Promise<void> {
    const { log } = move;
    const end = Math.min(move.truncatedTo ?? Number.MAX_SAFE_INTEGER, log.logEndOffset);
    move.truncatedTo = null;
    if (copy.logEndOffset > end) {
      if (end <= copy.logStartOffset) await copy.truncateFullyAndStartAt(end);
      else await copy.truncateTo(end);
    }
    // Retention or DeleteRecords has removed the records that the copy needs next.
    if (copy.logEndOffset < log.logStartOffset && copy.sizeBytes > 0)
      await copy.truncateFullyAndStartAt(log.logStartOffset);
  }
}
