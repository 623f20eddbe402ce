/**
 * The partition leader's part of KIP-890. Before the leader appends the first batch of a transaction, it sends a request to the
 * coordinator of the transaction. For Produce before v12 it asks whether the client has added the partition to the transaction.
 * From v12 on it requests that the coordinator adds the partition.
 *
 * At most one request to a coordinator is in flight; questions that arrive meanwhile are combined into the next one. A request
 * has at most one entry for a transactional id, because the coordinator handles its entries concurrently.
 */
import { groupBy } from '../../base/collections.ts';
import type { Clock, Scheduler } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import { coordinatorPartition } from '../../coordinator/coordinator-partition.ts';
import type { BrokerClient } from '../../metadata/broker-port.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { transactionStateTopic } from '../../metadata/internal-topics.ts';
import { type ErrorRow, Errors, errorOf, errorRowOf } from '../../protocol/errors.ts';
import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from '../../protocol/messages/transactions/24-add-partitions-to-txn.ts';
import type { BrokerServices } from '../services.ts';

/**
 * What the client supports. `verify`: Produce up to v10. `verify-abortable`: Produce v11, whose clients know
 * TRANSACTION_ABORTABLE. `add`: Produce from v12 on (transaction version 2), whose clients do not add partitions themselves.
 * For TxnOffsetCommit the versions are 3, 4 and 5.
 */
export type TransactionSupport = 'verify' | 'verify-abortable' | 'add';

/**
 * `abortableVersion`: the first version of the request whose clients know TRANSACTION_ABORTABLE. In the next version the broker
 * adds partitions.
 */
export function supportFrom(apiVersion: number, abortableVersion: number): TransactionSupport {
  if (apiVersion > abortableVersion) return 'add';
  return apiVersion === abortableVersion ? 'verify-abortable' : 'verify';
}

export interface TransactionQuestion {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly partitions: readonly { readonly topic: string; readonly index: number }[];
  readonly support: TransactionSupport;
}

export interface TransactionVerifierOptions {
  readonly brokers: BrokerClient;
  readonly metadata: () => MetadataImage;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** `add.partitions.to.txn.retry.backoff.ms` and `.max.ms`. */
  readonly retryBackoffMs: number;
  readonly retryMaxMs: number;
}

/** Errors by `<topic>-<partition>`. A partition without an error belongs to the transaction. */
export type TransactionErrors = ReadonlyMap<string, ErrorRow>;

interface Waiting {
  readonly question: TransactionQuestion;
  readonly resolve: (errors: TransactionErrors) => void;
}

interface Coordinator {
  readonly waiting: Waiting[];
  hasRequestInFlight: boolean;
}

/**
 * The version of AddPartitionsToTxn. From 4 on a request can have several transactions; in 5 the response may have
 * TRANSACTION_ABORTABLE.
 */
const apiVersion = 5;

export class TransactionVerifier {
  readonly #options: TransactionVerifierOptions;
  readonly #coordinators = new Map<NodeId, Coordinator>();

  constructor(options: TransactionVerifierOptions) {
    this.#options = options;
  }

  /**
   * Sends the question to the coordinator. With `add`, asks again as long as the response is CONCURRENT_TRANSACTIONS, for at
   * most `retryMaxMs`.
   */
  async verify(question: TransactionQuestion): Promise<TransactionErrors> {
    const { clock, scheduler, retryBackoffMs, retryMaxMs } = this.#options;
    const untilMs = clock.monotonicMs() + retryMaxMs;
    for (;;) {
      const errors = await this.#askOnce(question);
      const isBusy = [...errors.values()].includes(Errors.CONCURRENT_TRANSACTIONS);
      // For old clients `produce-transactions.ts` replaces CONCURRENT_TRANSACTIONS by an error after which they send again.
      if (question.support !== 'add' || !isBusy || clock.monotonicMs() >= untilMs) return errors;
      await new Promise<void>((resolve) => scheduler.after(retryBackoffMs, resolve));
    }
  }

  #askOnce(question: TransactionQuestion): Promise<TransactionErrors> {
    const id = this.#coordinatorOf(question.transactionalId);
    if (id === null) return Promise.resolve(allFailed(question, Errors.COORDINATOR_NOT_AVAILABLE));
    return new Promise((resolve) => {
      let coordinator = this.#coordinators.get(id);
      if (coordinator === undefined) {
        coordinator = { waiting: [], hasRequestInFlight: false };
        this.#coordinators.set(id, coordinator);
      }
      coordinator.waiting.push({ question, resolve });
      if (!coordinator.hasRequestInFlight) void this.#askWaiting(id, coordinator);
    });
  }

  async #askWaiting(id: NodeId, coordinator: Coordinator): Promise<void> {
    coordinator.hasRequestInFlight = true;
    while (coordinator.waiting.length > 0) {
      const batch = takeBatch(coordinator.waiting);
      const answers = await this.#send(id, batch);
      batch.forEach(({ question, resolve }, at) =>
        resolve(answers[at] ?? allFailed(question, Errors.INVALID_TXN_STATE)),
      );
    }
    coordinator.hasRequestInFlight = false;
    this.#coordinators.delete(id);
  }

  async #send(id: NodeId, batch: readonly Waiting[]): Promise<TransactionErrors[]> {
    try {
      const init = { transactions: batch.map(({ question }) => toWire(question)) };
      const response = await this.#options.brokers.request(
        id,
        AddPartitionsToTxnRequest,
        AddPartitionsToTxnResponse,
        apiVersion,
        init,
      );
      return batch.map(({ question }) => errorsFor(question, response));
    } catch (error) {
      const row = errorRowOf(error);
      return batch.map(({ question }) => allFailed(question, row));
    }
  }

  #coordinatorOf(transactionalId: string): NodeId | null {
    const topic = this.#options.metadata().topics.byName(transactionStateTopic);
    if (topic === undefined) return null;
    const index = coordinatorPartition(transactionalId, topic.partitions.length);
    const leader = topic.partitions[index]?.leader ?? -1;
    return leader < 0 ? null : (leader as NodeId);
  }
}

/** Takes the oldest questions from the list, at most one for each transactional id. */
function takeBatch(waiting: Waiting[]): Waiting[] {
  const ids = new Set<string>();
  const batch: Waiting[] = [];
  const later: Waiting[] = [];
  for (const one of waiting) {
    const { transactionalId } = one.question;
    (ids.has(transactionalId) ? later : batch).push(one);
    ids.add(transactionalId);
  }
  waiting.splice(0, waiting.length, ...later);
  return batch;
}

function toWire({ transactionalId, producerId, producerEpoch, partitions, support }: TransactionQuestion) {
  return {
    transactionalId,
    producerId,
    producerEpoch,
    verifyOnly: support !== 'add',
    topics: [...groupBy(partitions, ({ topic }) => topic)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ index }) => index),
    })),
  };
}

function allFailed({ partitions }: TransactionQuestion, error: ErrorRow): TransactionErrors {
  return new Map(partitions.map(({ topic, index }) => [`${topic}-${index}`, error]));
}

function errorsFor(question: TransactionQuestion, response: AddPartitionsToTxnResponse): TransactionErrors {
  if (response.errorCode !== 0) return allFailed(question, errorOf(response.errorCode));
  const result = response.resultsByTransaction.find(
    ({ transactionalId }) => transactionalId === question.transactionalId,
  );
  if (result === undefined) return allFailed(question, Errors.INVALID_TXN_STATE);
  const errors = new Map<string, ErrorRow>();
  for (const { name, resultsByPartition } of result.topicResults)
    for (const { partitionIndex, partitionErrorCode } of resultsByPartition)
      if (partitionErrorCode !== 0)
        errors.set(`${name}-${partitionIndex}`, knownToClient(errorOf(partitionErrorCode), question.support));
  return errors;
}

/** The error for the client: Produce clients do not know PRODUCER_FENCED, and old ones do not know TRANSACTION_ABORTABLE. */
function knownToClient(error: ErrorRow, support: TransactionSupport): ErrorRow {
  if (error === Errors.PRODUCER_FENCED) return Errors.INVALID_PRODUCER_EPOCH;
  if (error === Errors.TRANSACTION_ABORTABLE && support === 'verify') return Errors.INVALID_TXN_STATE;
  return error;
}

export function createTransactionVerifier(services: BrokerServices): TransactionVerifier {
  const { brokers, metadata, clock, scheduler, config } = services;
  return new TransactionVerifier({
    brokers,
    metadata,
    clock,
    scheduler,
    retryBackoffMs: config.get('add.partitions.to.txn.retry.backoff.ms'),
    retryMaxMs: config.get('add.partitions.to.txn.retry.backoff.max.ms'),
  });
}
