/** All `log.dirs` of a broker (JBOD): which of them gets a replica, and what they say together. */
import { mark } from '../base/mark.ts';
import type { Uuid } from '../base/uuid.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { LogDirectory } from './log-directory.ts';

export class LogDirectories {
  readonly all: readonly LogDirectory[];

  constructor(all: readonly LogDirectory[]) {
    this.all = all;
  }

  /**
   * The broker epoch of the last clean shutdown; -1 unless all directories agree on it: a directory that failed, or was closed by an
   * earlier incarnation only, may hold replicas that lost records (KIP-966).
   */
  get previousBrokerEpoch(): number {
    const [first] = this.all;
    const isAgreed = this.all.every(
      ({ isOffline, previousBrokerEpoch }) =>
        !isOffline && previousBrokerEpoch === first?.previousBrokerEpoch,
    );
    if (!isAgreed) mark('log.clean-epochs-differ');
    return isAgreed ? (first?.previousBrokerEpoch ?? -1) : -1;
  }

  /** `cordoned.log.dirs`: these get no new replicas (KIP-1066). */
  setCordoned(paths: readonly string[]): void {
    const isAll = paths.includes('*');
    for (const directory of this.all) directory.isCordoned = isAll || paths.includes(directory.path);
  }

  /**
   * The named directory or, when none is named or it was replaced by another one, the one with the fewest logs. Throws
   * KAFKA_STORAGE_ERROR when the replica may be in a directory that is offline: it is never made a second time, empty.
   */
  choose(name: string, directoryId: Uuid | null, isNew: boolean): LogDirectory {
    const online = this.all.filter((directory) => !directory.isOffline);
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
