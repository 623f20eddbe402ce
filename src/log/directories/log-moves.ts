/**
 * Moves of replicas between the log directories of this broker (AlterReplicaLogDirs, KIP-113): each copies a log into a `…-future`
 * directory of the target, tells the controller when the copy has caught up, and swaps the files once the controller has recorded the
 * new directory (KIP-858). At most so many run at a time; all share one rate.
 *
 * Invariants: a log has at most one move; the copy never holds a record that the log does not (a truncation of the log is repeated on the
 * copy before anything else is copied); files of the log go only after a complete, synced copy has its name.
 *
 * A clean stop keeps the copy and the next start goes on with it, from where the leader epochs of copy and log part: the log may have
 * been truncated while no move looked. After an unclean stop the copy begins anew.
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
  /** The disk of a copy failed. */
  readonly onCopyFailure: (directory: LogDirectory, error: StorageError) => void;
  /** Tells the controller where the replica is going to be; resolves when that is recorded. */
  readonly assign: (log: PartitionLog, directory: Uuid) => Promise<void>;
  /** Id of the directory that holds the log; null: the log is gone. */
  readonly directoryIdOf: (log: PartitionLog) => Uuid | null;
  /** The copy is complete, and the log takes no writes. */
  readonly beforeSwap: (move: LogMove) => Promise<void>;
  /** The files of the copy are those of the log now; its old ones are at `oldPath`. */
  readonly onSwapped: (move: LogMove, oldPath: string) => void;
}

const chunkBytes = 1024 * 1024;
const idlePollMs = 20;

export class LogMove {
  readonly log: PartitionLog;
  readonly target: LogDirectory;
  copy: PartitionLog | null = null;
  /** The controller knows the target directory. */
  isAssigned = false;
  isCancelled = false;
  /** The copy is the log now. */
  isSwapped = false;
  /** Settles when the move is over. */
  done: Promise<void> = Promise.resolve();
  /** Lowest end of a truncation of the log that the copy has not followed yet. */
  truncatedTo: number | null = null;

  constructor(log: PartitionLog, target: LogDirectory) {
    this.log = log;
    this.target = target;
  }

  /** The copy must not keep what it has at `end` or above. */
  truncated(end: number): void {
    this.truncatedTo = Math.min(this.truncatedTo ?? end, end);
  }
}

/**
 * Up to where a copy holds the records of its log: where both know the same leader epoch, they have the same record (KIP-101). The gaps of
 * a compacted log may make it less, never more.
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
  /** Copies that an earlier run left, by the name of the partition. */
  readonly #found = new Map<string, FoundCopy>();
  readonly #moves = new Map<PartitionLog, LogMove>();
  readonly #queue: { move: LogMove; copyPath: string | null }[] = [];
  readonly #running = new Set<Promise<void>>();
  /** Removals of copies: a clean stop waits for them, so that no start goes on with half a copy. */
  readonly #removing = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: LogMovesOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.resources.clock, options.rate);
  }

  /** An earlier run began to copy a partition to `path`. */
  found(name: string, directory: LogDirectory, path: string): void {
    this.#found.set(name, { directory, path });
  }

  /**
   * Names of found copies without a log, with their directories: the node died between the two renames of a swap. Of the others, those of
   * an unclean run are removed.
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

  /** The directory with this id, when it has a found copy of the partition. */
  orphanIn(name: string, directoryId: Uuid | null): LogDirectory | null {
    const found = this.#found.get(name);
    return found !== undefined && found.directory.id === directoryId ? found.directory : null;
  }

  /** Gives a found copy the name of the partition. */
  async promote(name: string): Promise<void> {
    const { fs } = this.#options.resources;
    const { directory, path } = this.#found.get(name) as FoundCopy;
    this.#found.delete(name);
    await fs.rename(path, `${directory.path}/${name}`);
    await fs.syncDirectory(directory.path);
  }

  /** Goes on with the moves whose copies were found. */
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

  /** `copyPath`: what an earlier run of this broker has copied. */
  begin(log: PartitionLog, target: LogDirectory, copyPath: string | null = null): void {
    if (this.#stopped || this.#moves.has(log)) return;
    const move = new LogMove(log, target);
    this.#moves.set(log, move);
    log.onTruncated = (end) => move.truncated(end);
    this.#queue.push({ move, copyPath });
    this.#next();
  }

  /** Resolves when nothing touches the copy any more and its files are gone. */
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

  /** Closes the copies, so that a clean start goes on with them. */
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
      // Metadata may name the target already.
      const directory = this.#options.directoryIdOf(log);
      if (move.isAssigned && directory !== null) await this.#options.assign(log, directory);
    }
  }

  /** Until the copy has caught up and the controller knows of the target. */
  async #copyAll(move: LogMove, copy: PartitionLog): Promise<void> {
    const { resources } = this.#options;
    const bucket = this.#bucket;
    let isRecorded = false;
    while (!move.isCancelled) {
      if (await this.#copySome(move, copy, true)) continue;
      if (isRecorded) return;
      if (!move.isAssigned) {
        // What is synced now need not be synced while the log takes no writes.
        await copy.flush();
        move.isAssigned = true;
        void this.#options.assign(move.log, move.target.id).then(() => {
          isRecorded = true;
        });
      }
      await sleep(resources.scheduler, Math.max(idlePollMs, bucket.waitMs()));
    }
  }

  /** Under load the copy is always a little behind: the last bytes follow while the log takes no writes. */
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

  /** False: the copy ends where the log ends. */
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
    // An empty copy begins with the batch that holds the first record.
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
    // Retention or DeleteRecords has overtaken the copy.
    if (copy.logEndOffset < log.logStartOffset && copy.sizeBytes > 0)
      await copy.truncateFullyAndStartAt(log.logStartOffset);
  }
}
