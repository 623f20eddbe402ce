/** All `log.dirs` of a broker (JBOD): selects the directory of a replica. */
import { asStorageError, type StorageError } from '../../base/file-system.ts';
import { mark } from '../../base/mark.ts';
import type { Uuid } from '../../base/uuid.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { parsePartitionDirectoryName } from '../names.ts';
import type { LogDirectory } from './log-directory.ts';

/** How many partitions that are not on this broker yet may have a requested directory; further requests are not remembered. */
const preferredMax = 100_000;

/** Called when the disk of a directory has failed. */
type OnFailure = (directory: LogDirectory, error: StorageError) => void;

export class LogDirectories {
  readonly all: readonly LogDirectory[];
  readonly #onFailure: OnFailure;
  /** By partition name: the directory that AlterReplicaLogDirs requested before the partition was on this broker. */
  readonly #preferred = new Map<string, LogDirectory>();

  constructor(all: readonly LogDirectory[], onFailure: OnFailure) {
    this.all = all;
    this.#onFailure = onFailure;
  }

  /**
   * The broker epoch of the last clean shutdown (KIP-966). It is -1 when a replica is known to have lost records, or when the
   * directories do not all have the same epoch: then a directory has failed, or was not closed cleanly by the last incarnation,
   * so its replicas may have lost records. With -1 the controller removes this broker from the ISRs and ELRs.
   */
  get previousBrokerEpoch(): number {
    const [first] = this.all;
    const isAgreed = this.all.every(
      ({ isOffline, lost, previousBrokerEpoch }) =>
        !isOffline && lost.size === 0 && previousBrokerEpoch === first?.previousBrokerEpoch,
    );
    if (!isAgreed) mark('log.clean-epochs-differ');
    return isAgreed ? (first?.previousBrokerEpoch ?? -1) : -1;
  }

  /**
   * Adds to the lost replicas the partitions whose directories were removed while the broker was down, unless another log
   * directory has them now (`isOpen`). Makes the lists of lost replicas durable. After an unclean stop the reason may be that
   * the partition was deleted, so nothing is logged before the partition is requested (`reportAbsent`).
   */
  async keepLost(isOpen: (name: string) => boolean, logger: Logger): Promise<void> {
    for (const directory of this.all) {
      for (const partition of [...directory.absent.keys()]) {
        const id = parsePartitionDirectoryName(partition);
        if (id === null || isOpen(partition)) directory.absent.delete(partition);
        else {
          mark('log.partition-absent');
          directory.lost.set(partition, { ...id, topicId: '', latestEpoch: -1 });
          if (directory.wasClean) this.reportAbsent(partition, logger);
        }
      }
    }
    await this.eachOnline((directory) => directory.writeLost());
  }

  /** Logs, once, that the directory of a partition is missing, if it is missing. */
  reportAbsent(partition: string, logger: Logger): void {
    for (const directory of this.all) {
      const range = directory.absent.get(partition);
      if (!directory.absent.delete(partition) || range === undefined) continue;
      logger.error('the directory of a partition is missing', {
        partition,
        directory: directory.path,
        firstOffset: range.from,
        lastOffset: range.to - 1,
      });
    }
  }

  /** Calls `action` for one online directory after the other. */
  async eachOnline(action: (directory: LogDirectory) => Promise<void>): Promise<void> {
    for (const directory of this.all) {
      if (directory.isOffline) continue;
      try {
        await action(directory);
      } catch (error) {
        this.#onFailure(directory, asStorageError(error));
      }
    }
  }

  /** `cordoned.log.dirs`: these directories get no new replicas (KIP-1066). */
  setCordoned(paths: readonly string[]): void {
    const isAll = paths.includes('*');
    for (const directory of this.all) directory.isCordoned = isAll || paths.includes(directory.path);
  }

  /**
   * The directory that AlterReplicaLogDirs names. Throws LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR or INVALID_REPLICA_ASSIGNMENT.
   */
  forMove(path: string): LogDirectory {
    const target = this.all.find((directory) => directory.path === path);
    if (target === undefined) {
      throw new KafkaError(Errors.LOG_DIR_NOT_FOUND, `Log dir ${path} is not found in the config.`);
    }
    if (target.isOffline)
      throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, `Log directory ${path} is offline`);
    if (!target.isCordoned) return target;
    throw new KafkaError(Errors.INVALID_REPLICA_ASSIGNMENT, `Log directory ${path} is cordoned`);
  }

  /** Remembers that the partition must be created in `directory` when it comes to this broker. */
  prefer(name: string, directory: LogDirectory): void {
    if (this.#preferred.size < preferredMax) this.#preferred.set(name, directory);
  }

  /**
   * The directory for a replica. For a new replica: the directory that AlterReplicaLogDirs requested, if it did. Otherwise the
   * directory with `directoryId`. If metadata names none, or none here has that id (its disk was replaced): the directory with
   * the fewest logs, a cordoned one only if all are. Throws KAFKA_STORAGE_ERROR when the replica may be in an offline
   * directory: a second, empty replica must not be created.
   */
  choose(name: string, directoryId: Uuid | null, isNew: boolean): LogDirectory {
    const online = this.all.filter((directory) => !directory.isOffline);
    const preferred = this.#preferred.get(name);
    if (preferred !== undefined && isNew && online.includes(preferred)) return preferred;
    const named = online.find((directory) => directory.id === directoryId);
    if (named !== undefined) return named;
    const offline = this.all.filter((directory) => directory.isOffline).map(({ path }) => path);
    if (offline.length > 0 && (directoryId !== null || !isNew)) {
      mark('log.not-made-anew');
      throw new KafkaError(
        Errors.KAFKA_STORAGE_ERROR,
        `Can not create log for ${name} because log directories ${offline.join(',')} are offline`,
      );
    }
    const free = online.filter((directory) => !directory.isCordoned);
    const best = (free.length > 0 ? free : online).sort((a, b) => a.logsCount - b.logsCount)[0];
    if (best === undefined)
      throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, 'All log directories are offline');
    return best;
  }
}
