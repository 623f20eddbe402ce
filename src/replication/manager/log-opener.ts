/**
 * Opens the logs of replicas. A log that the start of the broker has opened is used at once; others are opened or created a few
 * at a time and in slices. A log is never created before the log of a deleted topic with the same name is closed and its
 * directory renamed.
 */
import type { Clock, Scheduler } from '../../base/clock.ts';
import { Slices } from '../../base/slices.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { HostedReplica } from './hosted-replica.ts';
import type { LogStore } from '../log-port.ts';

const openingMax = 16;

const done: Promise<void> = Promise.resolve();

export class LogOpener {
  readonly #logs: LogStore;
  readonly #logger: Logger;
  readonly #removals = new Map<string, Promise<void>>();
  readonly #queue: (() => void)[] = [];
  readonly #slices: Slices;
  #opening = 0;

  constructor(logs: LogStore, logger: Logger, clock: Clock, scheduler: Scheduler) {
    this.#logs = logs;
    this.#logger = logger;
    this.#slices = new Slices(clock, scheduler);
  }

  open(replica: HostedReplica): Promise<void> {
    const name = `${replica.topic}-${replica.index}`;
    const log = this.#logs.get(replica.topic, replica.index);
    if (log !== null && log.topicId === replica.topicId && !log.isOffline && !this.#removals.has(name)) {
      replica.opened(log);
      return done;
    }
    return this.#create(replica, name);
  }

  async #create(replica: HostedReplica, name: string): Promise<void> {
    await this.#removals.get(name);
    await this.#turn();
    if (this.#slices.isOver) await this.#slices.yieldTurn();
    try {
      if (replica.wanted === null) return;
      const { topic, index, topicId, config, directoryId, isNew } = replica;
      const log = await this.#logs.getOrCreate(topic, index, topicId, config, directoryId, isNew);
      replica.opened(log);
    } catch (error) {
      replica.hasFailed = true;
      this.#logger.error('the log of a replica could not be opened', {
        partition: name,
        error: String(error),
      });
    } finally {
      this.#opening--;
      this.#queue.shift()?.();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      const start = (): void => {
        this.#opening++;
        resolve();
      };
      if (this.#opening < openingMax) start();
      else this.#queue.push(start);
    });
  }

  /** Stops the replica and deletes its log. */
  remove(replica: HostedReplica): void {
    const name = `${replica.topic}-${replica.index}`;
    const before = this.#removals.get(name) ?? done;
    const removal = before
      .then(() => this.#remove(replica))
      .catch((error: unknown) => {
        this.#logger.error('a replica could not be removed', { partition: name, error: String(error) });
      })
      .then(() => {
        if (this.#removals.get(name) === removal) this.#removals.delete(name);
      });
    this.#removals.set(name, removal);
  }

  async #remove(replica: HostedReplica): Promise<void> {
    await replica.opening;
    await replica.stop();
    const { topic, index, topicId } = replica;
    // A topic may have been created again under the same name; its log must not be deleted.
    if (this.#logs.get(topic, index)?.topicId === topicId) await this.#logs.delete(topic, index);
  }
}
