/**
 * All partition logs of this broker, over all `log.dirs`: opens them at the start, creates and deletes them, writes
 * checkpoints, runs retention and flushing, and closes them so that the next start is clean.
 *
 * A disk error takes the whole directory offline: its logs accept no more reads and writes, the owner is notified once, the
 * other directories continue. Not here: which partitions this broker should have (`replication/`); the check of
 * `meta.properties` (`server/claimed-directories.ts`).
 */
import type { StorageError } from '../../base/file-system.ts';
import { mark } from '../../base/mark.ts';
import type { Uuid } from '../../base/uuid.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { BackgroundTasks } from './background-tasks.ts';
import { type LogTask, type TaskTimes, taskTimes } from './scheduled-tasks.ts';
import { LogCleaner } from '../compaction/cleaner.ts';
import { type Held, LogCheckpoints } from '../directories/log-checkpoints.ts';
import { type LogMove, LogMoves } from '../directories/log-moves.ts';
import { forEachInTurns } from './concurrency.ts';
import type { LogConfig } from '../log-config.ts';
import { LogDirectories } from '../directories/log-directories.ts';
import { LogDirectory } from '../directories/log-directory.ts';
import { closeDirectory, openDirectory } from '../directories/log-opening.ts';
import type { LogManagerOptions } from './log-manager-options.ts';
import type { LogCallbacks, LogResources } from '../log-state.ts';
import { LogTwins } from '../directories/log-twins.ts';
import { partitionDirectoryName } from '../names.ts';
import { NewDirectories, requireFree } from '../directories/new-directories.ts';
import { PartitionDirectory } from '../partition-directory.ts';
import { PartitionLog } from '../partition-log.ts';
import { ProducerUpkeep } from '../producers/producer-upkeep.ts';
import { LogRemovals } from './log-removals.ts';
import { logResources } from './log-resources.ts';
import { retain } from './retention.ts';
import { WriteBehind } from './write-behind.ts';

export class LogManager {
  readonly #options: LogManagerOptions;
  readonly #logger: Logger;
  readonly #resources: LogResources;
  readonly #directories: LogDirectories;
  readonly #logs = new Map<string, Held>();
  /** Creations in progress, so that concurrent callers get the same log. */
  readonly #creating = new Map<string, Promise<PartitionLog>>();
  readonly #writeBehind: WriteBehind;
  readonly #newDirectories: NewDirectories;
  readonly #cleaner: LogCleaner;
  readonly #checkpoints: LogCheckpoints;
  readonly #moves: LogMoves;
  readonly #removals: LogRemovals;
  /** Logs whose name a log in `#logs` has too, until metadata decides which of them is the partition's. */
  readonly #twins = new LogTwins();
  readonly #upkeep: ProducerUpkeep;
  readonly #tasks: BackgroundTasks;
  /** The start; it never rejects. Null before it. */
  #opening: Promise<void> | null = null;
  #isStopping = false;

  constructor(options: LogManagerOptions) {
    const { scheduler } = options;
    this.#options = options;
    this.#logger = options.logger.child('LogManager');
    this.#resources = logResources({ ...options, logger: this.#logger });
    this.#newDirectories = new NewDirectories(scheduler);
    this.#writeBehind = new WriteBehind(scheduler);
    this.#upkeep = new ProducerUpkeep(options.settings, scheduler);
    this.#tasks = new BackgroundTasks(scheduler, this.#logger);
    this.#directories = new LogDirectories(
      options.directories.map(
        ({ path, id, failure }) => new LogDirectory(this.#resources, path, id, failure ?? null),
      ),
      (directory, error) => this.#directoryFailed(directory, error),
    );
    this.#cleaner = new LogCleaner({
      bytesPerSecond: () => this.#options.settings.cleanerBytesPerSecond,
      resources: this.#resources,
      logs: () => this.#cleanable(),
      onProgress: (path) => this.#checkpoints.cleaned(path),
    });
    this.#checkpoints = new LogCheckpoints({
      scheduler,
      directories: this.#directories.all,
      held: this.#logs,
      cleaner: this.#cleaner,
      onFailure: (directory, error) => this.#directoryFailed(directory, error),
    });
    this.#moves = new LogMoves({
      resources: this.#resources,
      rate: options.moveRate ?? (() => Number.MAX_SAFE_INTEGER),
      runningMax: options.settings.movesMax ?? options.directories.length,
      onCopyFailure: (directory, error) => this.#directoryFailed(directory, error),
      assign: options.assign ?? (() => Promise.resolve(true)),
      directoryIdOf: (log) => this.#heldOf(log)?.directory.id ?? null,
      onSwapped: (move, old) => this.#moved(move, old),
      beforeSwap: ({ log, target }) => this.#checkpoints.writeOne(target, 'logStart', log),
    });
    this.#removals = new LogRemovals({
      ...options,
      logger: this.#logger,
      logs: this.#logs,
      moves: this.#moves,
      cleaner: this.#cleaner,
      writeBehind: this.#writeBehind,
      onFailure: (directory, error) => this.#directoryFailed(directory, error),
    });
  }

  /**
   * Opens (and recovers if necessary) all logs, and starts the background tasks. Locks the directories first, unless the owner
   * has locked them (`locksDirectories`). A shutdown in the meantime ends it early.
   */
  start(): Promise<void> {
    const started = this.#start();
    this.#opening = started.catch(() => undefined);
    return started;
  }

  async #start(): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs();
    await this.#directories.eachOnline(async (directory) => {
      if (this.#options.settings.locksDirectories) await directory.lock();
      this.#cleaner.restore(directory.path, await directory.readCheckpoint('cleaner'));
      await directory.begin();
      await this.#open(directory, null);
    });
    if (this.#isStopping) return;
    await this.#adoptCopies();
    await this.#directories.keepLost((name) => this.#logs.has(name), this.#logger);
    for (const directory of this.#directories.all) directory.isLoaded = true;
    const tookMs = Math.round(this.#options.clock.monotonicMs() - startedMs);
    this.#logger.info('loaded the logs', { count: this.#logs.size, tookMs });
    this.#startTasks();
  }

  /** The log of a partition; null: none, or two directories have one and metadata has not decided between them. */
  get(topic: string, partition: number): PartitionLog | null {
    const name = partitionDirectoryName(topic, partition);
    return this.#twins.has(name) ? null : (this.#logs.get(name)?.log ?? null);
  }

  /** The logs in a directory. Lets the event loop do other work meanwhile, because a broker may have many logs. */
  async logsIn(directory: LogDirectory): Promise<PartitionLog[]> {
    const logs: PartitionLog[] = [];
    await forEachInTurns(this.#logs.values(), this.#resources.scheduler, (held) => {
      if (held.directory === directory) logs.push(held.log);
    });
    return logs;
  }

  /** Directories with their state, for registration, DescribeLogDirs and JBOD assignment. */
  directories(): readonly LogDirectory[] {
    return this.#directories.all;
  }

  get previousBrokerEpoch(): number {
    return this.#directories.previousBrokerEpoch;
  }

  /** Called when the controller has recorded the lost replicas (`LogDirectory.lost`): the next start does not report them. */
  lostReplicasReported(): Promise<void> {
    return this.#directories.eachOnline((directory) => directory.forgetLost());
  }

  setCordoned(paths: readonly string[]): void {
    this.#directories.setCordoned(paths);
  }

  /**
   * The id of the directory that holds a partition's log. While the log is moved: the id of the target, from the moment when
   * the move has asked the controller to record it. Null: there is no log.
   */
  directoryIdOf(topic: string, partition: number): Uuid | null {
    const held = this.#logs.get(partitionDirectoryName(topic, partition));
    if (held === undefined) return null;
    const move = this.#moves.of(held.log);
    return move?.isAssigned === true ? move.target.id : held.directory.id;
  }

  /** Copies of replicas that are being moved to another directory. */
  *movingCopies(): Iterable<{ log: PartitionLog; copy: PartitionLog; directory: LogDirectory }> {
    for (const { log, copy, target } of this.#moves.all())
      if (copy !== null) yield { log, copy, directory: target };
  }

  /**
   * Moves the log of a partition to the directory `path` of `log.dirs`, now or when it is created. Throws LOG_DIR_NOT_FOUND,
   * KAFKA_STORAGE_ERROR, INVALID_REPLICA_ASSIGNMENT (a cordoned directory), and REPLICA_NOT_AVAILABLE when the replica is not
   * on this broker yet.
   */
  async move(topic: string, partition: number, path: string): Promise<void> {
    const target = this.#directories.forMove(path);
    const name = partitionDirectoryName(topic, partition);
    this.#directories.prefer(name, target);
    const held = this.#logs.get(name);
    if (held === undefined) throw new KafkaError(Errors.REPLICA_NOT_AVAILABLE);
    if (held.log.isOffline) throw new KafkaError(Errors.KAFKA_STORAGE_ERROR);
    const move = this.#moves.of(held.log);
    if (move !== null && move.target !== target) await this.#moves.cancel(held.log);
    if (held.directory !== target) this.#moves.begin(held.log, target);
  }

  /** Continues the moves that were interrupted by a clean stop. Called when the controller can be reached. */
  resumeMoves(): void {
    this.#moves.resume((name) => this.#logs.get(name)?.log ?? null);
  }

  /**
   * The log of a partition; it is created when it does not exist. A log of another topic id with this name (the topic was
   * deleted and created again while this broker was down) is renamed to `…-stray` first. `directoryId` is the directory that
   * metadata names; null: none yet. A replica that is not new to this broker (`isNew`) may be in an offline directory, and must
   * not be created again empty.
   */
  getOrCreate(
    topic: string,
    partition: number,
    topicId: Uuid,
    config: LogConfig,
    directoryId: Uuid | null,
    isNew: boolean,
  ): Promise<PartitionLog> {
    const name = partitionDirectoryName(topic, partition);
    const held = this.#logs.get(name);
    const isDecided = held?.log.topicId === topicId && !this.#twins.has(name);
    if (isDecided && !held.log.isOffline) return Promise.resolve(held.log);
    const pending = this.#creating.get(name);
    const create = (): Promise<PartitionLog> =>
      this.#create(topic, partition, topicId, config, { directoryId, isNew });
    const mine = (
      pending === undefined
        ? create()
        : pending.then(() => this.getOrCreate(topic, partition, topicId, config, directoryId, isNew))
    ).finally(() => {
      if (this.#creating.get(name) === mine) this.#creating.delete(name);
    });
    this.#creating.set(name, mine);
    return mine;
  }

  /** Closes a log. Its directory is renamed now and removed after the topic's `file.delete.delay.ms`. */
  async delete(topic: string, partition: number): Promise<void> {
    await this.#removals.putAside(partitionDirectoryName(topic, partition), 'delete');
  }

  /**
   * Closes the logs for which `isExpected` returns false, and renames their directories to `…-stray`: an operator must check
   * them.
   */
  async removeStrays(isExpected: (log: PartitionLog) => boolean): Promise<void> {
    await forEachInTurns(this.#held(), this.#resources.scheduler, async ({ log }) => {
      const name = partitionDirectoryName(log.topic, log.partition);
      // Another log may have got this name since the loop began, because the partition was requested with another topic id.
      if (isExpected(log) || this.#logs.get(name)?.log !== log) return;
      mark('log.stray-put-aside');
      const { directory, topicId } = log;
      this.#logger.warn('found a stray log: its directory is renamed', {
        partition: name,
        topicId,
        directory,
      });
      await this.#removals.putAside(name, 'stray');
    });
    for (const [name, twin] of this.#twins.drain())
      if (isExpected(twin.log) && !this.#logs.has(name)) this.#logs.set(name, twin);
      else await this.#removals.leave(name, twin, 'stray');
  }

  /** Writes the high watermark checkpoints of the directories in which a high watermark has changed. */
  async checkpointHighWatermarks(): Promise<void> {
    await this.#checkpoints.write('highWatermark');
  }

  /** Runs retention once over all logs, as a periodic task does. */
  async applyRetention(): Promise<void> {
    await retain(this.#logs.values(), this.#resources.scheduler);
  }

  expireProducers(): Promise<void> {
    return this.#upkeep.expire(this.#logs.values());
  }

  /** Whether a transaction in this partition is open although it should have ended long ago (`ProducerUpkeep.isLate`). */
  hasLateTransaction(topic: string, partition: number): boolean {
    const log = this.get(topic, partition);
    return log !== null && this.#upkeep.isLate(log);
  }

  /** Compacts once the logs that are due, as a periodic task does. */
  async cleanOnce(): Promise<void> {
    await this.#cleaner.cleanOnce();
  }

  /**
   * Closes all logs and writes the clean shutdown files, so that the next start needs no recovery. It reports `brokerEpoch` as
   * the previous one (KIP-966); -1: unknown; null: this incarnation was not registered, so the files keep what they had.
   */
  async shutdown(brokerEpoch: number | null): Promise<void> {
    this.#isStopping = true;
    await this.#opening;
    this.#newDirectories.stop();
    this.#tasks.stop();
    await this.#cleaner.stop();
    await this.#moves.stop();
    await Promise.allSettled(this.#creating.values());
    for (const directory of this.#directories.all) {
      const logs = this.#held().filter((held) => held.directory === directory);
      await closeDirectory(directory, logs, this.#checkpoints, brokerEpoch, this.#resources);
    }
    await this.#resources.files.close();
  }

  /** Handles the copies that interrupted moves have left. */
  async #adoptCopies(): Promise<void> {
    const isComplete = this.#directories.all.every(({ isOffline }) => !isOffline);
    this.#moves.discardUnclean((name) => this.#logs.has(name));
    const orphans = this.#moves.orphans((name) => this.#logs.has(name));
    // A copy without a log is the replica if all directories are online; otherwise the log may be in an offline one.
    for (const [name, directory] of isComplete ? orphans : []) await this.#promoteCopy(name, directory);
  }

  async #promoteCopy(name: string, directory: LogDirectory): Promise<void> {
    this.#logger.warn('a copy left by an interrupted move is now the replica', { partition: name });
    await this.#moves.promote(name);
    await this.#open(directory, name);
  }

  #heldOf(log: PartitionLog): Held | null {
    const held = this.#logs.get(partitionDirectoryName(log.topic, log.partition));
    return held?.log === log ? held : null;
  }

  #moved({ log, target }: LogMove, old: PartitionDirectory): void {
    const name = partitionDirectoryName(log.topic, log.partition);
    const held = this.#heldOf(log);
    if (held === null) return;
    this.#cleaner.forget(held.directory.path, name);
    for (const directory of [held.directory, target]) directory.dirtyAll();
    held.directory.logsCount -= 1;
    target.logsCount += 1;
    held.directory = target;
    this.#removals.removeLater(old, log.state.config.fileDeleteDelayMs);
  }

  *#cleanable(): Iterable<{ log: PartitionLog; directory: string }> {
    for (const { log, directory } of this.#logs.values())
      if (log.state.isConfigured && this.#moves.of(log) === null) yield { log, directory: directory.path };
  }

  #held(): Held[] {
    return [...this.#logs.values()];
  }

  /** Opens the log `name` in a directory; null: all logs. */
  async #open(directory: LogDirectory, name: string | null): Promise<void> {
    await openDirectory(directory, name, {
      resources: this.#resources,
      isStopping: () => this.#isStopping,
      configOf: this.#options.configOf,
      callbacksOf: (partition, log) => this.#callbacks(directory, partition, log),
      onDeleted: (path) => this.#removals.removeLater(new PartitionDirectory(path), 0),
      onFuture: (partition, path) => this.#moves.found(partition, directory, path),
      onOpened: (name, log) => {
        const other = this.#logs.get(name);
        if (other === undefined) this.#logs.set(name, { log, directory });
        else this.#twins.add(name, { log, directory });
        directory.logsCount += 1;
        if (directory.wasClean || log.logEndOffset === 0) return;
        // Recovery has rebuilt the indexes in memory; they are written in the background.
        this.#writeBehind.add(log);
      },
    });
  }

  async #create(
    topic: string,
    partition: number,
    topicId: Uuid,
    config: LogConfig,
    place: { readonly directoryId: Uuid | null; readonly isNew: boolean },
  ): Promise<PartitionLog> {
    const name = partitionDirectoryName(topic, partition);
    if (this.#twins.has(name)) await this.#decide(name, topicId, place.directoryId);
    const held = this.#logs.get(name);
    if (held !== undefined) {
      if (!held.log.isOffline && (held.log.topicId === topicId || held.log.topicId === '')) {
        return held.log.topicId === topicId ? held.log : this.#adoptTopic(held, topicId, config);
      }
      mark('log.stray-in-the-way');
      if (held.directory.isOffline)
        throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, `The log directory of ${name} is offline`);
      await this.#removals.putAside(name, 'stray');
    }
    await this.#removals.settled(name);
    const copied = this.#moves.orphanIn(name, place.directoryId);
    if (copied !== null) {
      await this.#promoteCopy(name, copied);
      const adopted = this.#logs.get(name)?.log;
      if (adopted?.topicId === topicId) return adopted;
    }
    const directory = this.#directories.choose(name, place.directoryId, place.isNew);
    if (!place.isNew) this.#directories.reportAbsent(name, this.#logger);
    // Counted before the log exists, so that a selection of a directory for another log takes it into account.
    directory.logsCount += 1;
    await requireFree(this.#options.fs, `${directory.path}/${name}`).catch((error: unknown) => {
      directory.logsCount -= 1;
      throw error;
    });
    await this.#checkpoints.forgetDeparted(directory, name);
    const log = await PartitionLog.open({
      directory: `${directory.path}/${name}`,
      topic,
      partition,
      topicId,
      config,
      resources: this.#resources,
      callbacks: this.#callbacks(directory, name, () => log),
      isClean: true,
      recoveryPoint: 0,
      logStartOffset: 0,
      highWatermark: 0,
      directoryExists: false,
    });
    this.#logs.set(name, { log, directory });
    this.#newDirectories.add(log);
    return log;
  }

  /** Decides between two logs of one name (see `LogTwins`). The other one becomes a stray. */
  async #decide(name: string, topicId: Uuid, directoryId: Uuid | null): Promise<void> {
    mark('log.twins-decided');
    const [chosen, ...others] = this.#twins.decide(name, this.#logs.get(name), topicId, directoryId);
    if (chosen !== undefined) this.#logs.set(name, chosen);
    for (const other of others) await this.#removals.leave(name, other, 'stray');
  }

  /** A log without `partition.metadata` is taken for the log of the topic with its name. */
  async #adoptTopic(held: Held, topicId: Uuid, config: LogConfig): Promise<PartitionLog> {
    const { directory: path } = held.log;
    this.#logger.warn('partition.metadata is missing or damaged and is written again', { path });
    held.log.adoptTopicId(topicId);
    held.log.updateConfig(config);
    return held.log;
  }

  /** The callbacks of a log, which is in the directory `first` until it is moved to another one. */
  #callbacks(first: LogDirectory, name: string, log: () => PartitionLog): LogCallbacks {
    const directory = (): LogDirectory => this.#logs.get(name)?.directory ?? first;
    return {
      onFailure: (error) => this.#directoryFailed(directory(), error),
      persistRecoveryPoints: () => this.#checkpoints.writeOne(directory(), 'recoveryPoint'),
      onTouched: () => this.#writeBehind.add(log()),
      onOffsetMoved: (which) => directory().dirty.add(which),
    };
  }

  #directoryFailed(directory: LogDirectory, error: StorageError): void {
    if (directory.isOffline) return;
    mark('log.directory-offline');
    directory.failure = error;
    this.#logger.error('a log directory is offline', { directory: directory.path, error: String(error) });
    for (const held of this.#held()) if (held.directory === directory) held.log.fail(error);
    this.#moves.directoryFailed(directory, error);
    this.#options.onDirectoryFailure({ path: directory.path, id: directory.id }, error);
  }

  #startTasks(): void {
    const { settings } = this.#options;
    const bodies: Readonly<Record<LogTask, () => Promise<boolean | void>>> = {
      retention: () => this.applyRetention(),
      producers: () => this.expireProducers(),
      lateTransactions: () => this.#upkeep.warnOfLate(this.#logs.values()),
      recoveryPoint: () => this.#checkpoints.write('recoveryPoint', 'cleaner'),
      logStart: () => this.#checkpoints.write('logStart'),
      highWatermark: () => this.#checkpoints.write('highWatermark'),
      writeBehind: () => this.#writeBehind.run(() => this.#checkpoints.write('recoveryPoint')),
      cleaner: () => this.#cleaner.cleanOnce(),
    };
    for (const [name, times] of Object.entries(taskTimes(settings)) as [LogTask, TaskTimes][]) {
      if (name !== 'cleaner' || settings.cleanerEnabled) this.#tasks.start(name, times, bodies[name]);
    }
  }
}
