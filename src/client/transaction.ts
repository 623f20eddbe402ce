/**
 * A producer's transactions. It gets the producer id and epoch from the transaction coordinator, adds partitions and groups to
 * the open transaction, and ends it. It uses the first version of the protocol (partitions are added before records are sent to
 * them), which every broker since Kafka 0.11 supports; KIP-890 part 2 adds partitions implicitly.
 *
 * Invariant: a partition or group is added to the transaction before anything is written for it.
 */
import { errorOf, KafkaError } from '../protocol/errors.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../protocol/messages/transactions/22-init-producer-id.ts';
import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from '../protocol/messages/transactions/24-add-partitions-to-txn.ts';
import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
} from '../protocol/messages/transactions/25-add-offsets-to-txn.ts';
import { EndTxnRequest, EndTxnResponse } from '../protocol/messages/transactions/26-end-txn.ts';
import {
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '../protocol/messages/transactions/28-txn-offset-commit.ts';
import type { Infer, Init, Message, Shape } from '../protocol/schema/fields.ts';
import type { KafkaClient } from './kafka-client.ts';
import { retry } from './retry.ts';

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface TransactionOptions {
  readonly transactionalId: string;
  /** After this time the coordinator aborts a transaction that was not ended. */
  readonly timeoutMs: number;
  /** Time-out of each step, retries included. */
  readonly maxBlockMs: number;
}

/** The group whose offsets a transaction commits. The coordinator checks the member, unless `memberId` is empty. */
export interface TransactionGroup {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface TransactionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** By API key: the last version in which partitions must be added explicitly. */
const versionsMax = new Map<number, number>([
  [AddPartitionsToTxnRequest.key, 3],
  [AddOffsetsToTxnRequest.key, 3],
  [EndTxnRequest.key, 4],
  [TxnOffsetCommitRequest.key, 4],
  [InitProducerIdRequest.key, 4],
]);

export class Transaction {
  readonly transactionalId: string;
  readonly #client: KafkaClient;
  readonly #options: TransactionOptions;
  #identity: ProducerIdentity | null = null;
  readonly #added = new Set<string>();

  constructor(client: KafkaClient, options: TransactionOptions) {
    this.#client = client;
    this.#options = options;
    this.transactionalId = options.transactionalId;
  }

  /**
   * Fences earlier producers with this transactional id and ends their open transaction. Called once, before the first record.
   */
  async initialize(): Promise<void> {
    const answer = await this.#ask(InitProducerIdRequest, InitProducerIdResponse, {
      transactionalId: this.transactionalId,
      transactionTimeoutMs: this.#options.timeoutMs,
    });
    this.#identity = { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }

  /** Throws before `initialize`. */
  get identity(): ProducerIdentity {
    if (this.#identity === null) throw new Error('the transaction is not initialized');
    return this.#identity;
  }

  /** Adds a partition to the transaction. */
  async add(topic: string, partition: number): Promise<void> {
    const key = `${topic}-${partition}`;
    if (this.#added.has(key)) return;
    const { producerId, producerEpoch } = this.identity;
    await this.#retried(async () => {
      const answer = await this.#request(null, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, {
        v3AndBelowTransactionalId: this.transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
      });
      for (const { resultsByPartition } of answer.resultsByTopicV3AndBelow)
        for (const { partitionErrorCode } of resultsByPartition) check(partitionErrorCode);
    });
    this.#added.add(key);
  }

  /** Adds offsets of a group to the transaction: they are committed if it commits. */
  async commitOffsets(group: TransactionGroup, offsets: readonly TransactionOffset[]): Promise<void> {
    const { groupId } = group;
    const identity = { transactionalId: this.transactionalId, ...this.identity };
    await this.#ask(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, { ...identity, groupId });
    this.#added.add(`group ${groupId}`);
    const topics = [...new Set(offsets.map(({ topic }) => topic))].map((name) => ({
      name,
      partitions: offsets
        .filter(({ topic }) => topic === name)
        .map(({ partition, offset }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedMetadata: '',
        })),
    }));
    await this.#retried(async () => {
      const init = { ...identity, ...group, topics };
      const answer = await this.#request(groupId, TxnOffsetCommitRequest, TxnOffsetCommitResponse, init);
      for (const { partitions } of answer.topics) for (const { errorCode } of partitions) check(errorCode);
    });
  }

  /** Commits or aborts. A transaction without partitions and groups needs no request. */
  async end(isCommit: boolean): Promise<void> {
    if (this.#added.size === 0) return;
    const init = { transactionalId: this.transactionalId, ...this.identity, committed: isCommit };
    await this.#ask(EndTxnRequest, EndTxnResponse, init);
    this.#added.clear();
  }

  #retried(attempt: () => Promise<void>): Promise<void> {
    return retry(this.#client.ports, this.#options.maxBlockMs, attempt);
  }

  /** Sends a request whose response has a single error code to the transaction coordinator. */
  async #ask<Q extends Shape, R extends Shape>(
    request: Message<Q>,
    response: Message<R>,
    init: Init<Message<Q>>,
  ): Promise<Infer<Message<R>>> {
    return retry(this.#client.ports, this.#options.maxBlockMs, async () => {
      const answer = await this.#request(null, request, response, init);
      check((answer as unknown as { readonly errorCode: number }).errorCode);
      return answer;
    });
  }

  /** Sends a request to the coordinator of a group; null: to the transaction coordinator. */
  async #request<Q extends Shape, R extends Shape>(
    groupId: string | null,
    request: Message<Q>,
    response: Message<R>,
    init: Init<Message<Q>>,
  ): Promise<Infer<Message<R>>> {
    const node =
      groupId === null
        ? await this.#client.coordinator(this.transactionalId, 'transaction')
        : await this.#client.coordinator(groupId);
    const connection = await this.#client.broker(node);
    return connection.request(request, response, init, { versionMax: versionsMax.get(request.key) ?? 0 });
  }
}

function check(errorCode: number): void {
  if (errorCode !== 0) throw new KafkaError(errorOf(errorCode));
}
