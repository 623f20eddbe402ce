/**
 * Sends AlterPartition requests: leaders propose changes of the ISR to the active controller. This broker has at most one
 * request in flight; proposals that are made meanwhile are sent in the next one.
 *
 * Invariant: a proposal is pending, in the request in flight, or replaced by a newer one of its partition, or its partition has
 * received the outcome. After an error that does not say whether the controller applied the proposal, the same proposal is sent
 * again. That is harmless: the controller refuses a proposal whose partition epoch it has already replaced.
 *
 * Not here: what to propose and what an outcome changes (`leader-state.ts`, `isr.ts`).
 */
import { type NodeId, nodeId } from '../../base/ids.ts';
import { groupBy } from '../../base/collections.ts';
import { mark } from '../../base/mark.ts';
import type { Scheduler } from '../../base/clock.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { ControllerClient } from '../../metadata/controller-port.ts';
import { errorOf, Errors } from '../../protocol/errors.ts';
import {
  AlterPartitionRequest,
  AlterPartitionResponse,
} from '../../protocol/messages/brokers/56-alter-partition.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Outbox } from '../outbox.ts';
import type { IsrProposal } from './isr.ts';

export type IsrOutcome =
  | {
      readonly kind: 'committed';
      readonly isr: readonly NodeId[];
      readonly leaderEpoch: number;
      readonly partitionEpoch: number;
    }
  /**
   * The controller refused, and a newer state is not the reason (for example, a proposed member is fenced). Propose again
   * later.
   */
  | { readonly kind: 'refused' }
  /**
   * The controller has a newer state of the partition than this leader. The leader makes no new proposal until it receives that
   * state.
   */
  | { readonly kind: 'outdated' };

export interface IsrRequest {
  /** Name of the partition, for the log. */
  readonly name: string;
  readonly topicId: Uuid;
  readonly index: number;
  readonly proposal: IsrProposal;
  readonly members: readonly { readonly brokerId: NodeId; readonly brokerEpoch: number }[];
  readonly onOutcome: (outcome: IsrOutcome) => void;
}

/** What an error code of one partition in the response means for its proposal. */
export function verdictOf(errorCode: number): 'committed' | 'refused' | 'outdated' | 'retry' {
  switch (errorCode) {
    case Errors.NONE.code:
      return 'committed';
    case Errors.INELIGIBLE_REPLICA.code:
    case Errors.OPERATION_NOT_ATTEMPTED.code:
      mark('replication.isr-refused');
      return 'refused';
    case Errors.UNKNOWN_TOPIC_OR_PARTITION.code:
    case Errors.UNKNOWN_TOPIC_ID.code:
    case Errors.FENCED_LEADER_EPOCH.code:
    case Errors.INVALID_UPDATE_VERSION.code:
    case Errors.INVALID_REQUEST.code:
    case Errors.NEW_LEADER_ELECTED.code:
      mark('replication.isr-outdated');
      return 'outdated';
    default:
      return 'retry';
  }
}

/**
 * ISR changes that leaders on this broker proposed and the controller committed. `failed`: proposals that it did not accept.
 */
export interface IsrChanges {
  shrinks: number;
  expands: number;
  failed: number;
}

export interface AlterPartitionOptions {
  readonly brokerId: NodeId;
  readonly brokerEpoch: () => number;
  readonly controller: ControllerClient;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

const version = 3;
const partitionsPerRequestMax = 2000;
const retryMinMs = 50;
const retryMaxMs = 1000;

type ResponseTopic = AlterPartitionResponse['topics'][number];

export class AlterPartitionManager {
  readonly #options: AlterPartitionOptions;
  readonly changes: IsrChanges = { shrinks: 0, expands: 0, failed: 0 };
  readonly #outbox: Outbox<IsrRequest>;

  constructor(options: AlterPartitionOptions) {
    this.#options = options;
    const { scheduler, logger } = options;
    this.#outbox = new Outbox({
      scheduler,
      logger,
      entriesPerRequestMax: partitionsPerRequestMax,
      pauseMs: (failures) => Math.min(retryMaxMs, retryMinMs * 2 ** failures),
      send: (requests) => this.#propose(requests),
    });
  }

  /** A newer request for a partition replaces one that has not been sent. */
  submit(request: IsrRequest): void {
    this.#outbox.put(`${request.topicId}:${request.index}`, request);
  }

  stop(): void {
    this.#outbox.stop();
  }

  async #propose(requests: Map<string, IsrRequest>): Promise<void> {
    const response = await this.#send([...requests.values()]);
    if (response === null || this.#outbox.isStopped) return;
    if (response.errorCode === 0) for (const topic of response.topics) this.#settle(topic, requests);
    else {
      const reason = errorOf(response.errorCode).name;
      this.#options.logger.warn('controller refused AlterPartition', { reason });
    }
  }

  /** Passes the outcomes to the partitions of one topic. Proposals that must be sent again stay in `requests`. */
  #settle(topic: ResponseTopic, requests: Map<string, IsrRequest>): void {
    for (const answer of topic.partitions) {
      const key = `${topic.topicId}:${answer.partitionIndex}`;
      const request = requests.get(key);
      if (request === undefined) continue;
      const kind = verdictOf(answer.errorCode);
      if (kind === 'committed') this.#count(request.proposal);
      else this.#logRefusal(request, kind, answer.errorCode);
      if (kind === 'retry') continue;
      requests.delete(key);
      if (kind === 'committed') {
        const { isr, leaderEpoch, partitionEpoch } = answer;
        request.onOutcome({ kind, isr: isr.map((id) => nodeId(id)), leaderEpoch, partitionEpoch });
      } else request.onOutcome({ kind });
    }
  }

  #count({ added, removed }: IsrProposal): void {
    if (added.length > 0) this.changes.expands++;
    if (removed.length > 0) this.changes.shrinks++;
  }

  #logRefusal(
    { name, members }: IsrRequest,
    kind: 'refused' | 'outdated' | 'retry',
    errorCode: number,
  ): void {
    this.changes.failed++;
    const fields = { isr: members.map(({ brokerId }) => brokerId), reason: errorOf(errorCode).name };
    // Logged at DEBUG only, because it needs no action: this broker will receive the newer metadata, and the leader then
    // proposes from the new state.
    if (kind === 'outdated')
      this.#options.logger.debug(`ISR change based on old metadata for ${name}`, fields);
    else this.#options.logger.info(`ISR change refused for ${name}`, fields);
  }

  async #send(requests: readonly IsrRequest[]): Promise<AlterPartitionResponse | null> {
    const { brokerId, brokerEpoch, controller, logger } = this.#options;
    const topics = groupBy(requests, ({ topicId }) => topicId);
    try {
      return await controller.request(AlterPartitionRequest, AlterPartitionResponse, version, {
        brokerId,
        brokerEpoch: brokerEpoch(),
        topics: [...topics].map(([topicId, partitions]) => ({
          topicId,
          partitions: partitions.map((request) => ({
            partitionIndex: request.index,
            leaderEpoch: request.proposal.leaderEpoch,
            newIsrWithEpochs: request.members.map((member) => ({ ...member })),
            partitionEpoch: request.proposal.partitionEpoch,
          })),
        })),
      });
    } catch (error) {
      logger.warn('AlterPartition did not reach the controller', { error: String(error) });
      return null;
    }
  }
}
