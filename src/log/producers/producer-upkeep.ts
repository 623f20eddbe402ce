/**
 * Periodic work on the producer state of all logs: removes producers that have not written for long, and logs a warning for a
 * transaction that is open for too long.
 *
 * A coordinator ends every transaction within `transaction.max.timeout.ms`. A transaction that is open five minutes longer will
 * not end by itself (KIP-664 calls it hanging); consumers with read_committed and compaction cannot pass it.
 */
import type { Scheduler } from '../../base/clock.ts';
import { contain } from '../manager/background-tasks.ts';
import { forEachInTurns } from '../manager/concurrency.ts';
import type { LogManagerSettings } from '../manager/log-settings.ts';
import type { PartitionLog } from '../partition-log.ts';

export class ProducerUpkeep {
  readonly #settings: LogManagerSettings;
  readonly #scheduler: Scheduler;
  /** By log: the first offset of the transaction for which a warning was logged last. */
  readonly #warned = new WeakMap<PartitionLog, number>();

  constructor(settings: LogManagerSettings, scheduler: Scheduler) {
    this.#settings = settings;
    this.#scheduler = scheduler;
  }

  /** Removes producers that have not written for `producer.id.expiration.ms`. */
  expire(logs: Iterable<{ readonly log: PartitionLog }>): Promise<void> {
    return forEachInTurns(logs, this.#scheduler, ({ log }) => {
      if (log.isOffline) return;
      try {
        log.expireProducers(this.#settings.producerIdExpirationMs);
      } catch (error) {
        contain(log, error, 'producer expiry');
      }
    });
  }

  /** Logs a warning for each log with a late transaction, once for each transaction. */
  warnOfLate(logs: Iterable<{ readonly log: PartitionLog }>): Promise<void> {
    return forEachInTurns(logs, this.#scheduler, ({ log }) => {
      if (log.isOffline) return;
      try {
        this.#warnOfLate(log);
      } catch (error) {
        contain(log, error, 'late transactions');
      }
    });
  }

  /** Whether a transaction of `log` should have ended long ago. */
  isLate(log: PartitionLog): boolean {
    const { state } = log;
    const oldest = state.producers.oldestTransaction();
    return (
      oldest !== null && state.resources.clock.wallMs() - oldest.lastSeenMs > this.#settings.lateTransactionMs
    );
  }

  #warnOfLate(log: PartitionLog): void {
    const { producers, resources, logger, name } = log.state;
    const oldest = producers.oldestTransaction();
    const firstOffset = oldest?.currentTxnFirstOffset ?? null;
    if (oldest === null || firstOffset === null || !this.isLate(log)) return;
    if (this.#warned.get(log) === firstOffset) return;
    this.#warned.set(log, firstOffset);
    logger.warn(
      'a transaction was not ended in time: consumers with isolation.level=read_committed wait at its first offset',
      {
        partition: name,
        producerId: oldest.producerId,
        producerEpoch: oldest.producerEpoch,
        firstOffset,
        lastWriteMinutesAgo: Math.floor((resources.clock.wallMs() - oldest.lastSeenMs) / 60_000),
      },
    );
  }
}
