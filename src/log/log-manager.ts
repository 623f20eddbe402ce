/**
 * All partition logs of this broker, over all `log.dirs`: opens them at start, makes and deletes them, keeps checkpoints,
 * runs retention and flushing, and closes them so that the next start is clean.
 *
 * A disk error takes the whole directory offline: its logs refuse everything, the owner is told once, the others go on.
 * Not here: which partitions this broker should have (`replication/`); `meta.properties` (`server/`).
 */
import type { Clock, Scheduler } from '../base/clock.ts';
import type { FileSystem } from '../base/file-system.ts';
import { mark } from '../base/mark.ts';
import type { Random } from '../base/random.ts';
import type { Uuid } from '../base/uuid.ts';
import { randomUuid } from '../base/uuid.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { OffsetCheckpoint } from './checkpoints.ts';
import { BackgroundTasks } from './background-tasks.ts';
import { LogCleaner } from './cleaner.ts';
import { forEachLimited } from './concurrency.ts';
import { FilePool } from './file-pool.ts';
import { IndexCache } from './index-cache.ts';
import type { LogConfig } from './log-config.ts';
import type { CheckpointKind } from './log-directory.ts';
import { LogDirectories } from './log-directories.ts';
import { LogDirectory } from './log-directory.ts';
import { openDirectory, openingMax } from './log-opening.ts';
import type { LogManagerSettings } from './log-settings.ts';
import type { LogCallbacks, LogResources } from './log-state.ts';
import { markedDirectoryName, partitionDirectoryName } from './names.ts';
import { PartitionLog } from './partition-log.ts';
import { TailCache } from './tail-cache.ts';

export interface LogManagerOptions {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  /** `log.dirs` in order, with their directory ids. `failure`: why one of them can't be used. */
  readonly directories: readonly { readonly path: string; readonly id: Uuid; readonly failure?: unknown }[];
  readonly settings: LogManagerSettings;
  /** Memory for the newest records of all logs; 64 MiB by default. */
  readonly tailCacheBytesMax?: number;
  /** Settings of a topic as far as they are known when its logs are opened; `updateConfig` follows. */
  readonly configOf: (topic: string) => LogConfig;
  /** A directory went offline; all its logs are dead already. */
  readonly onDirectoryFailure: (directory: { path: string; id: Uuid }, error: unknown) => void;
}

const tailCacheBytesDefault = 64 * 1024 * 1024;
const indexCacheBytesMax = 32 * 1024 * 1024;
const openFilesMax = 1024;
/** How often indexes and epochs are written behind the logs, and `flush.ms` is looked at. */
const writeBehindIntervalMs = 2000;

interface Held {
  readonly log: PartitionLog;
  readonly directory: LogDirectory;
}

export class LogManager {
  readonly #options: LogManagerOptions;
  readonly #logger: Logger;
  readonly #resources: LogResources;
  readonly #directories: LogDirectories;
  readonly #logs = new Map<string, Held>();
  /** Creations under way, so that two callers get the same log. */
  readonly #creating = new Map<string, Promise<PartitionLog>>();
  /** Logs whose directories are about to be renamed: what takes their place waits for that. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** Written to since the last tick. */
  #touched = new Set<PartitionLog>();
  /** New logs whose directories are still to be made. */
  readonly #unmade: PartitionLog[] = [];
  #making = false;
  readonly #cleaner: LogCleaner;
  readonly #tasks: BackgroundTasks;
  #stopped = false;

  constructor(options: LogManagerOptions) {
    const { fs, clock, scheduler, random } = options;
    this.#options = options;
    this.#logger = options.logger.child('LogManager');
    this.#resources = {
      fs,
      clock,
      scheduler,
      random,
      logger: this.#logger,
      files: new FilePool(fs, openFilesMax),
      indexes: new IndexCache(indexCacheBytesMax),
      tails: new TailCache(options.tailCacheBytesMax ?? tailCacheBytesDefault),
    };
    this.#tasks = new BackgroundTasks(scheduler, this.#logger);
    this.#directories = new LogDirectories(
      options.directories.map(
        ({ path, id, failure }) => new LogDirectory(fs, this.#logger, path, id, failure ?? null),
      ),
    );
    this.#cleaner = new LogCleaner({
      resources: this.#resources,
      logs: () => this.#held().map(({ log, directory }) => ({ log, directory: directory.path })),
      onProgress: (path) => this.#writeCleanerCheckpoint(path),
      onFailure: (log, error) => void log.writer.fail(error),
    });
  }

  /** Locks the directories, opens (and if need be recovers) all logs in them, and starts the background tasks. */
  async start(): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs();
    for (const directory of this.#directories.all) {
      if (directory.isOffline) continue;
      try {
        if (this.#options.settings.locksDirectories) await directory.lock();
        await this.#openAll(directory);
      } catch (error) {
        if (typeof (error as { code?: unknown }).code !== 'string') throw error;
        this.#directoryFailed(directory, error);
      }
    }
    this.#logger.info('loaded the logs', {
      count: this.#logs.size,
      tookMs: Math.round(this.#options.clock.monotonicMs() - startedMs),
    });
    this.#startTasks();
  }

  get(topic: string, partition: number): PartitionLog | null {
    return this.#logs.get(partitionDirectoryName(topic, partition))?.log ?? null;
  }

  all(): PartitionLog[] {
    return this.#held().map(({ log }) => log);
  }

  /** Directories with their state, for registration, DescribeLogDirs and JBOD assignment. */
  directories(): readonly LogDirectory[] {
    return this.#directories.all;
  }

  get previousBrokerEpoch(): number {
    return this.#directories.previousBrokerEpoch;
  }

  setCordoned(paths: readonly string[]): void {
    this.#directories.setCordoned(paths);
  }

  directoryIdOf(topic: string, partition: number): Uuid | null {
    return this.#logs.get(partitionDirectoryName(topic, partition))?.directory.id ?? null;
  }

  /**
   * The log of a partition, made when it does not exist. One of another topic id under this name (the topic was deleted and
   * made again while this broker was away) is put aside first. `directoryId` is the directory that metadata names; null: none yet.
   * A replica that is not new to this broker (`isNew`) may be in a directory that is offline: it is never made a second time, empty.
   */
  getOrCreate(
    topic: string,
    partition: number,
    topicId: Uuid,
    config: LogConfig,
    directoryId: Uuid | null = null,
    isNew = true,
  ): Promise<PartitionLog> {
    const name = partitionDirectoryName(topic, partition);
    const held = this.#logs.get(name);
    if (held !== undefined && held.log.topicId === topicId && !held.log.isOffline)
      return Promise.resolve(held.log);
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

  /** Takes a log out of service. Its directory is renamed now and removed after the topic's `file.delete.delay.ms`. */
  async delete(topic: string, partition: number): Promise<void> {
    await this.#putAside(partitionDirectoryName(topic, partition), 'delete');
  }

  /** Puts the logs aside that no one should have here; they are kept as `…-stray` for a person to look at. */
  async removeStrays(isExpected: (log: PartitionLog) => boolean): Promise<void> {
    for (const { log } of this.#held()) {
      const name = partitionDirectoryName(log.topic, log.partition);
      // While others were put aside, a replica of the topic that has this name now may have taken its place.
      if (isExpected(log) || this.#logs.get(name)?.log !== log) continue;
      mark('log.stray-put-aside');
      this.#logger.warn('found a stray log', { partition: name, topicId: log.topicId });
      await this.#putAside(name, 'stray');
    }
  }

  /** Writes the high watermark checkpoint of all directories whose offsets have changed. */
  async checkpointHighWatermarks(): Promise<void> {
    await this.#writeCheckpoints('highWatermark');
  }

  /** Runs retention once over all logs; the timer does so by itself. */
  async applyRetention(): Promise<void> {
    const { settings } = this.#options;
    for (const { log, directory } of this.#held()) {
      if (log.isOffline) continue;
      try {
        log.expireProducers(settings.producerIdExpirationMs);
        if ((await log.applyRetention()) > 0) directory.dirty.add('logStart');
      } catch (error) {
        if (!log.isOffline) log.writer.fail(error);
      }
    }
  }

  /** Compacts what is due, once; the timer does so by itself. */
  async cleanOnce(): Promise<void> {
    await this.#cleaner.cleanOnce();
  }

  /** Closes all logs; with a broker epoch (the shutdown was controlled) the next start trusts what it finds. */
  async shutdown(brokerEpoch: number): Promise<void> {
    this.#stopped = true;
    this.#tasks.stop();
    await this.#cleaner.stop();
    await Promise.allSettled(this.#creating.values());
    for (const directory of this.#directories.all) await this.#closeDirectory(directory, brokerEpoch);
    await this.#resources.files.close();
  }

  #held(): Held[] {
    return [...this.#logs.values()];
  }

  async #openAll(directory: LogDirectory): Promise<void> {
    this.#cleaner.restore(directory.path, await directory.readCheckpoint('cleaner'));
    await openDirectory(directory, {
      resources: this.#resources,
      configOf: this.#options.configOf,
      callbacksOf: (log) => this.#callbacks(directory, log),
      onDeleted: (path) => this.#removeLater(path, 0),
      onOpened: (name, log) => {
        const other = this.#logs.get(name)?.log;
        if (other !== undefined) {
          throw new Error(
            `Duplicate log directories for ${name} are found in both ${other.directory} and ${log.directory}`,
          );
        }
        this.#logs.set(name, { log, directory });
        directory.logsCount += 1;
        if (directory.wasClean || log.logEndOffset === 0) return;
        // Its rebuilt index is written behind.
        log.state.isTouched = true;
        this.#touched.add(log);
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
    const held = this.#logs.get(name);
    if (held !== undefined) {
      if (!held.log.isOffline && (held.log.topicId === topicId || held.log.topicId === '')) {
        return held.log.topicId === topicId ? held.log : this.#adopt(held, topicId, config);
      }
      mark('log.stray-in-the-way');
      if (held.directory.isOffline)
        throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, `The log directory of ${name} is offline`);
      await this.#putAside(name, 'stray');
    }
    await this.#leaving.get(name);
    const directory = this.#directories.choose(name, place.directoryId, place.isNew);
    directory.logsCount += 1;
    const log = await PartitionLog.open({
      directory: `${directory.path}/${name}`,
      topic,
      partition,
      topicId,
      config,
      resources: this.#resources,
      callbacks: this.#callbacks(directory, () => log),
      isClean: true,
      recoveryPoint: 0,
      logStartOffset: 0,
      highWatermark: 0,
      exists: false,
    });
    this.#logs.set(name, { log, directory });
    this.#unmade.push(log);
    if (!this.#making) {
      this.#making = true;
      this.#options.scheduler.after(0, () => void this.#makeDirectories());
    }
    return log;
  }

  /** A directory that lost its `partition.metadata` belongs to the topic that has its name. */
  async #adopt(held: Held, topicId: Uuid, config: LogConfig): Promise<PartitionLog> {
    held.log.adoptTopicId(topicId);
    held.log.updateConfig(config);
    return held.log;
  }

  /** Directories of new partitions come with their first write or, at leisure, from here. */
  async #makeDirectories(): Promise<void> {
    while (this.#unmade.length > 0 && !this.#stopped) {
      const batch = this.#unmade.splice(0, 4);
      await Promise.allSettled(batch.map((log) => log.materialise()));
    }
    this.#making = false;
  }

  #putAside(name: string, why: 'delete' | 'stray'): Promise<void> {
    const held = this.#logs.get(name);
    if (held === undefined) return this.#leaving.get(name) ?? Promise.resolve();
    this.#logs.delete(name);
    const mine = this.#leave(name, held, why).finally(() => {
      if (this.#leaving.get(name) === mine) this.#leaving.delete(name);
    });
    this.#leaving.set(name, mine);
    return mine;
  }

  async #leave(name: string, { log, directory }: Held, why: 'delete' | 'stray'): Promise<void> {
    this.#touched.delete(log);
    directory.logsCount -= 1;
    this.#cleaner.forget(directory.path, name);
    for (const kind of ['recoveryPoint', 'highWatermark', 'logStart', 'cleaner'] as const)
      directory.dirty.add(kind);
    const delayMs = log.state.config.fileDeleteDelayMs;
    const path = await log.leave(
      markedDirectoryName(log.topic, log.partition, randomUuid(this.#options.random), why),
    );
    if (path !== null && why === 'delete') this.#removeLater(path, delayMs);
  }

  #removeLater(path: string, delayMs: number): void {
    this.#options.scheduler.after(delayMs, () => {
      this.#options.fs.remove(path).catch((error: unknown) => {
        this.#logger.warn('a deleted partition could not be removed', { path, error: String(error) });
      });
    });
  }

  #callbacks(directory: LogDirectory, log: () => PartitionLog): LogCallbacks {
    return {
      onFailure: (error) => this.#directoryFailed(directory, error),
      persistRecoveryPoints: () =>
        directory.writeCheckpoint('recoveryPoint', () => this.#collect(directory, 'recoveryPoint')),
      onTouched: () => this.#touched.add(log()),
      onOffsetMoved: (which) => directory.dirty.add(which),
    };
  }

  #directoryFailed(directory: LogDirectory, error: unknown): void {
    if (directory.isOffline) return;
    mark('log.directory-offline');
    directory.failure = error;
    this.#logger.error('a log directory is offline', { directory: directory.path, error: String(error) });
    for (const held of this.#held()) if (held.directory === directory) held.log.writer.fail(error);
    this.#options.onDirectoryFailure({ path: directory.path, id: directory.id }, error);
  }

  async #writeCleanerCheckpoint(path: string): Promise<void> {
    this.#directories.all.find((directory) => directory.path === path)?.dirty.add('cleaner');
    await this.#writeCheckpoints('cleaner');
  }

  #collect(directory: LogDirectory, kind: CheckpointKind): OffsetCheckpoint {
    const offsets: OffsetCheckpoint = new Map();
    for (const [name, held] of this.#logs) {
      if (held.directory !== directory) continue;
      const { log } = held;
      if (kind === 'recoveryPoint') offsets.set(name, log.recoveryPoint);
      else if (kind === 'highWatermark') offsets.set(name, log.highWatermark);
      else if (kind === 'logStart' && log.logStartOffset > log.firstSegmentOffset)
        offsets.set(name, log.logStartOffset);
      else if (kind === 'cleaner') {
        const offset = this.#cleaner.checkpointOf(directory.path, name);
        if (offset !== null) offsets.set(name, offset);
      }
    }
    return offsets;
  }

  async #writeCheckpoints(...kinds: readonly CheckpointKind[]): Promise<void> {
    for (const directory of this.#directories.all) {
      for (const kind of kinds) {
        if (directory.isOffline || !directory.dirty.has(kind)) continue;
        try {
          await directory.writeCheckpoint(kind, () => this.#collect(directory, kind));
        } catch (error) {
          this.#directoryFailed(directory, error);
        }
      }
    }
  }

  #startTasks(): void {
    const { settings } = this.#options;
    const first = settings.initialTaskDelayMs;
    this.#tasks.repeat('retention', first, settings.retentionCheckIntervalMs, () => this.applyRetention());
    this.#tasks.repeat('recoveryPoint', first, settings.recoveryPointCheckpointIntervalMs, () =>
      this.#writeCheckpoints('recoveryPoint', 'cleaner'),
    );
    this.#tasks.repeat('logStart', first, settings.logStartCheckpointIntervalMs, () =>
      this.#writeCheckpoints('logStart'),
    );
    this.#tasks.repeat(
      'highWatermark',
      settings.highWatermarkCheckpointIntervalMs,
      settings.highWatermarkCheckpointIntervalMs,
      () => this.#writeCheckpoints('highWatermark'),
    );
    this.#tasks.repeat('writeBehind', writeBehindIntervalMs, writeBehindIntervalMs, () =>
      this.#writeBehind(),
    );
    if (settings.cleanerEnabled)
      this.#tasks.repeat('cleaner', first, settings.cleanerBackoffMs, () => this.#cleaner.cleanOnce());
  }

  async #writeBehind(): Promise<void> {
    const touched = this.#touched;
    this.#touched = new Set();
    for (const log of touched) {
      if (log.isOffline) continue;
      log.state.isTouched = false;
      try {
        await log.writeBehind();
        await log.flushIfDue();
      } catch (error) {
        if (!log.isOffline) log.writer.fail(error);
      }
      // Until it is flushed it stays on the list, if the topic flushes by time.
      if (log.state.config.flushMs < Number.MAX_SAFE_INTEGER && log.recoveryPoint < log.logEndOffset)
        this.#touched.add(log);
    }
  }

  async #closeDirectory(directory: LogDirectory, brokerEpoch: number): Promise<void> {
    const logs = this.#held().filter((held) => held.directory === directory);
    if (directory.isOffline) {
      for (const { log } of logs) await log.abandon();
      return;
    }
    try {
      await forEachLimited(logs, openingMax, async ({ log }) => {
        await log.materialise();
        await log.close();
      });
      if (directory.isOffline) return;
      for (const kind of ['recoveryPoint', 'highWatermark', 'logStart', 'cleaner'] as const) {
        await directory.writeCheckpoint(kind, () => this.#collect(directory, kind));
      }
      await directory.markClean(brokerEpoch);
    } catch (error) {
      this.#logger.error('a log directory could not be closed cleanly', {
        directory: directory.path,
        error: String(error),
      });
    } finally {
      await directory.unlock();
    }
  }
}
