/**
 * Moves of replicas between the log directories of this broker (AlterReplicaLogDirs, KIP-113). Each move copies a log into a
 * `…-future` directory of the target, reports the new directory to the controller when the copy has caught up, and swaps the
 * files when the controller has recorded it (KIP-858). The number of concurrent moves is limited; all share one rate.
 *
 * Invariants: a log has at most one move. The copy has no records that the log does not have: after a truncation of the log,
 * the copy is truncated before anything else is copied. The files of the log are removed only after a complete, synced copy has
 * its name.
 *
 * A clean stop keeps the copy, and the next start continues it from the offset at which the leader epochs of copy and log
 * diverge, because the log may have been truncated in between. After an unclean stop the copy is removed and made again.
 */
import { sleep } from '../../base/clock.ts';
import type { StorageError } from '../../base/file-system.ts';
import { mark } from '../../base/mark.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import { randomUuid, type Uuid } from '../../base/uuid.ts';
import type { LogDirectory } from './log-directory.ts';
import type { LogResources } from '../log-state.ts';
import { markedDirectoryName } from '../names.ts';
import { PartitionDirectory } from '../partition-directory.ts';
import { PartitionLog } from '../partition-log.ts';

export interface LogMovesOptions {
  readonly resources: LogResources;
  /** `replica.alter.log.dirs.io.max.bytes.per.second`. */
  readonly rate: () => number;
  /** `num.replica.alter.log.dirs.threads`. */
  readonly runningMax: number;
  /** Called when the disk of the copy has failed. */
  readonly onCopyFailure: (directory: LogDirectory, error: StorageError) => void;
  /**
   * Reports the future directory of the replica to the controller. Resolves to true when that is recorded, to false when it
   * never will be, for example because another assignment of the replica came after it.
   */
  readonly assign: (log: PartitionLog, directory: Uuid) => Promise<boolean>;
  /** The id of the directory that holds the log; null when the log was deleted. */
  readonly directoryIdOf: (log: PartitionLog) => Uuid | null;
  /** Called when the copy is complete, while the log accepts no writes. */
  readonly beforeSwap: (move: LogMove) => Promise<void>;
  /** Called when the log uses the files of the copy; its old files are in `old`. */
  readonly onSwapped: (move: LogMove, old: PartitionDirectory) => void;
}

const chunkBytes = 1024 * 1024;
const idlePollMs = 20;
/** After this time, a move whose assignment the controller has not recorded reports it again. */
const assignAgainMs = 1000;

export class LogMove {
  readonly log: PartitionLog;
  readonly target: LogDirectory;
  copy: PartitionLog | null = null;
  /** The target directory was reported to the controller, which may have recorded it already. */
  isAssigned = false;
  isCancelled = false;
  /** The copy has replaced the log. */
  isSwapped = false;
  /** Settles when the move has ended. */
  done: Promise<void> = Promise.resolve();
  /** The smallest offset to which the log was truncated and the copy was not yet; null: none. */
  truncatedTo: number | null = null;

  constructor(log: PartitionLog, target: LogDirectory) {
    this.log = log;
    this.target = target;
  }

  /** The log was truncated to `end`: the copy must be too. */
  truncated(end: number): void {
    this.truncatedTo = Math.min(this.truncatedTo ?? end, end);
  }
}

/**
 * The offset up to which the copy has the same records as the log: where both have the same leader epoch, they have the same
 * records (KIP-101). In a compacted log, whose epochs may have gaps, the result may be smaller than necessary, but never too
 * large.
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
  /** Removals of copies that are in progress. A stop waits for them, so that the next start does not find a part of a copy. */
  readonly #removing = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: LogMovesOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.resources.clock, options.rate);
  }

  /** Called at the start for each copy at `path` that an earlier incarnation has left. */
  found(name: string, directory: LogDirectory, path: string): void {
    this.#found.set(name, { directory, path });
  }

  /**
   * The copies without a log, with their directories. The node ended in the middle of a swap, between two renames, so each of
   * them is the only replica.
   */
  orphans(hasLog: (name: string) => boolean): [string, LogDirectory][] {
    const orphans: [string, LogDirectory][] = [];
    for (const [name, { directory }] of this.#found) if (!hasLog(name)) orphans.push([name, directory]);
    return orphans;
  }

  /** Removes copies that may be damaged: those with a log, in directories whose last shutdown was not clean. */
  discardUnclean(hasLog: (name: string) => boolean): void {
    for (const [name, { directory, path }] of [...this.#found]) {
      if (directory.wasClean || !hasLog(name)) continue;
      this.#found.delete(name);
      void this.#track(this.#remove(new PartitionDirectory(path)));
    }
  }

  /** The directory with this id, if an earlier incarnation has left a copy of the partition in it; else null. */
  orphanIn(name: string, directoryId: Uuid | null): LogDirectory | null {
    const found = this.#found.get(name);
    return found !== undefined && found.directory.id === directoryId ? found.directory : null;
  }

  /** Turns a copy that an earlier incarnation has left into the replica: renames it to the name of the partition. */
  async promote(name: string): Promise<void> {
    const { fs } = this.#options.resources;
    const { directory, path } = this.#found.get(name) as FoundCopy;
    this.#found.delete(name);
    await fs.rename(path, `${directory.path}/${name}`);
    await fs.syncDirectory(directory.path);
  }

  /** Continues the moves of which an earlier incarnation has left copies. */
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

  /** Begins a move. `copyPath`: the copy of an earlier incarnation, which is continued; null: none. */
  begin(log: PartitionLog, target: LogDirectory, copyPath: string | null = null): void {
    if (this.#stopped || this.#moves.has(log)) return;
    const move = new LogMove(log, target);
    this.#moves.set(log, move);
    log.onTruncated = (end) => move.truncated(end);
    this.#queue.push({ move, copyPath });
    this.#next();
  }

  /** Ends the move of a log. Resolves when the copy is no longer used and its files are removed. */
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

  /** Ends the moves to a log directory that has failed; their replicas stay where they are. */
  directoryFailed(directory: LogDirectory, error: StorageError): void {
    for (const { target, copy } of this.#moves.values()) if (target === directory) copy?.fail(error);
  }

  /** Ends all moves and closes their copies, so that a clean start can continue them. */
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
      // Metadata may name the target directory already, so report the present one again.
      const directory = this.#options.directoryIdOf(log);
      if (move.isAssigned && directory !== null) await this.#options.assign(log, directory);
    }
  }

  /** Copies records until the copy has caught up and the controller has recorded the target. */
  async #copyAll(move: LogMove, copy: PartitionLog): Promise<void> {
    const { resources } = this.#options;
    const bucket = this.#bucket;
    let isRecorded = false;
    while (!move.isCancelled) {
      if (await this.#copySome(move, copy, true)) continue;
      if (isRecorded) return;
      if (!move.isAssigned) {
        // The fewer records are unsynced at the swap, the shorter is the time in which the log accepts no writes.
        await copy.flush();
        move.isAssigned = true;
        void this.#options.assign(move.log, move.target.id).then(async (recorded) => {
          isRecorded = recorded;
          if (recorded) return;
          await sleep(resources.scheduler, assignAgainMs);
          move.isAssigned = false;
        });
      }
      await sleep(resources.scheduler, Math.max(idlePollMs, bucket.waitMs()));
    }
  }

  /** Replaces the log by its copy. Under load the copy never has all records, so the last ones are copied while writes wait. */
  async #swap(move: LogMove, copy: PartitionLog): Promise<void> {
    const { log } = move;
    const { random } = this.#options.resources;
    const leaving = markedDirectoryName(log.topic, log.partition, randomUuid(random), 'delete');
    const old = await log.relocate(copy, leaving, async () => {
      while (await this.#copySome(move, copy, false));
      if (copy.logEndOffset !== log.logEndOffset) throw new Error('the copy is not complete');
      await this.#options.beforeSwap(move);
      if (move.isCancelled) throw new Error('the move was cancelled');
    });
    move.isSwapped = true;
    this.#options.onSwapped(move, old);
    this.#end(move);
  }

  /** Copies one chunk. Returns false when the copy has reached the end of the log. */
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
    // The first batch that is copied may begin before the log start offset; an empty copy then begins at that batch.
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
      directoryExists: found !== null,
    });
    await copy.materialise();
    return copy;
  }

  async #discard(copy: PartitionLog): Promise<void> {
    await copy.abandon();
    await this.#remove(copy.state.directory);
  }

  async #remove(directory: PartitionDirectory): Promise<void> {
    const { fs, logger } = this.#options.resources;
    await directory.remove(fs).catch((error: unknown) => {
      const { path } = directory;
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
    // The records that the copy needs next were deleted by retention or DeleteRecords: it begins again at the log start offset.
    if (copy.logEndOffset < log.logStartOffset && copy.sizeBytes > 0)
      await copy.truncateFullyAndStartAt(log.logStartOffset);
  }
}
