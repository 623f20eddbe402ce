/**
 * Sends AssignReplicasToDirs requests (KIP-858): reports the log directories of this broker's replicas to the active
 * controller. At most one request is in flight; assignments that are made meanwhile are sent in the next one.
 *
 * Invariants: a partition has at most one pending assignment. It is sent again until the controller has accepted it or says
 * that the replica no longer exists, a newer assignment has replaced it, or the replica is removed here. It is sent even when
 * the directory has failed in the meantime: otherwise the controller would not know that this replica was in the failed
 * directory and must lose its leadership.
 */
import type { NodeId } from '../../base/ids.ts';
import type { Scheduler } from '../../base/clock.ts';
import { mark } from '../../base/mark.ts';
import type { Random } from '../../base/random.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { ControllerClient } from '../../metadata/controller-port.ts';
import { errorOf, Errors } from '../../protocol/errors.ts';
import {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../../protocol/messages/brokers/73-assign-replicas-to-dirs.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Outbox } from '../outbox.ts';

export interface DirectoryAssignmentsOptions {
  readonly brokerId: NodeId;
  readonly brokerEpoch: () => number;
  readonly controller: ControllerClient;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
}

interface Assignment {
  readonly topicId: Uuid;
  readonly index: number;
  readonly directory: Uuid;
  /**
   * Called once: with true when the controller has recorded the assignment; with false when it never will, because the replica
   * or this broker ends, or a newer assignment has replaced it.
   */
  readonly onEnd: ((isRecorded: boolean) => void) | null;
}

/** Kafka's `AssignReplicasToDirsRequestBuilder.MAX_ASSIGNMENTS_PER_REQUEST`. */
const assignmentsPerRequestMax = 2250;
const retryMinMs = 100;
const retryMaxMs = 10_000;

export class DirectoryAssignments {
  readonly #options: DirectoryAssignmentsOptions;
  readonly #outbox: Outbox<Assignment>;

  constructor(options: DirectoryAssignmentsOptions) {
    this.#options = options;
    const { scheduler, logger, random } = options;
    this.#outbox = new Outbox({
      scheduler,
      logger,
      entriesPerRequestMax: assignmentsPerRequestMax,
      pauseMs: (failures) =>
        Math.min(retryMaxMs, retryMinMs * 2 ** failures) * (1 + 0.2 * (random.u32() / 0x1_0000_0000)),
      send: (assignments) => this.#report(assignments),
      onDropped: ({ onEnd }) => onEnd?.(false),
    });
  }

  assign(topicId: Uuid, index: number, directory: Uuid, onEnd: Assignment['onEnd'] = null): void {
    const key = keyOf(topicId, index);
    if (this.#outbox.isStopped) return onEnd?.(false);
    if (this.#outbox.get(key)?.directory === directory && onEnd === null) return;
    this.#outbox.put(key, { topicId, index, directory, onEnd });
  }

  /** Drops a pending assignment, because this broker no longer has the replica. */
  forget(topicId: Uuid, index: number): void {
    this.#outbox.delete(keyOf(topicId, index));
  }

  stop(): void {
    this.#outbox.stop();
  }

  async #report(assignments: Map<string, Assignment>): Promise<void> {
    const response = await this.#send([...assignments.values()]);
    if (response === null) return;
    if (response.errorCode === 0) return this.#settle(response, assignments);
    const reason = errorOf(response.errorCode).name;
    this.#options.logger.warn('The controller refused AssignReplicasToDirs', { reason });
  }

  /** Removes from `assignments` those that the controller has accepted or will never accept; the others are sent again. */
  #settle(response: AssignReplicasToDirsResponse, assignments: Map<string, Assignment>): void {
    for (const { topics } of response.directories) {
      for (const { topicId, partitions } of topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          const key = keyOf(topicId, partitionIndex);
          const assignment = assignments.get(key);
          if (assignment === undefined) continue;
          const error = errorOf(errorCode);
          if (error !== Errors.NONE) {
            const fields = { topicId, index: partitionIndex, reason: error.name };
            this.#options.logger.info('A replica was not assigned to its log directory', fields);
          }
          // The last three errors: the topic or the replica was removed, and this broker's metadata will show it soon.
          const isFinal =
            error === Errors.NONE ||
            error === Errors.UNKNOWN_TOPIC_ID ||
            error === Errors.UNKNOWN_TOPIC_OR_PARTITION ||
            error === Errors.NOT_LEADER_OR_FOLLOWER;
          if (!isFinal) continue;
          assignments.delete(key);
          if (error === Errors.NONE) mark('replication.directory-assigned');
          assignment.onEnd?.(error === Errors.NONE);
        }
      }
    }
  }

  async #send(assignments: readonly Assignment[]): Promise<AssignReplicasToDirsResponse | null> {
    const { brokerId, brokerEpoch, controller, logger } = this.#options;
    const directories = new Map<Uuid, Map<Uuid, number[]>>();
    for (const { topicId, index, directory } of assignments) {
      const topics = directories.get(directory) ?? new Map<Uuid, number[]>();
      directories.set(directory, topics);
      const indexes = topics.get(topicId);
      if (indexes === undefined) topics.set(topicId, [index]);
      else indexes.push(index);
    }
    try {
      return await controller.request(AssignReplicasToDirsRequest, AssignReplicasToDirsResponse, 0, {
        brokerId,
        brokerEpoch: brokerEpoch(),
        directories: [...directories].map(([id, topics]) => ({
          id,
          topics: [...topics].map(([topicId, indexes]) => ({
            topicId,
            partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
          })),
        })),
      });
    } catch (error) {
      logger.debug('AssignReplicasToDirs did not reach the controller', { error: String(error) });
      return null;
    }
  }
}

function keyOf(topicId: Uuid, index: number): string {
  return `${topicId}:${index}`;
}
