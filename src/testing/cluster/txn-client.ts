/**
 * A minimal transactional producer. It sends the requests of clients with transaction version 2 (KIP-890) and repeats each
 * request until there is a response. When a request is refused, the transaction has failed. Without a response the outcome is
 * unknown.
 */
import { sleep } from '../../base/clock.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { isRetriable } from '../../client/retry.ts';
import { errorOf, Errors, KafkaError } from '../../protocol/errors.ts';
import { ProduceRequest, ProduceResponse } from '../../protocol/messages/records/00-produce.ts';
import {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../../protocol/messages/groups/10-find-coordinator.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../protocol/messages/transactions/22-init-producer-id.ts';
import { EndTxnRequest, EndTxnResponse } from '../../protocol/messages/transactions/26-end-txn.ts';
import {
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '../../protocol/messages/transactions/28-txn-offset-commit.ts';
import { buildBatch } from '../../protocol/records/builder.ts';

const encoder = new TextEncoder();
const produceVersion = 12;
const retryMs = 20;
const transactionKey = 1;

/** There was no response in time; the request may have been carried out. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export interface TxnClientOptions {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  /** For how long a request is repeated. */
  readonly patienceMs: number;
}

export class TxnClient {
  readonly client: KafkaClient;
  readonly #options: TxnClientOptions;
  readonly #sequences = new Map<string, number>();
  #producerId = -1;
  #producerEpoch = -1;

  constructor(client: KafkaClient, options: TxnClientOptions) {
    this.client = client;
    this.#options = options;
  }

  get #producer() {
    const { transactionalId } = this.#options;
    return { transactionalId, producerId: this.#producerId, producerEpoch: this.#producerEpoch };
  }

  async init(): Promise<void> {
    const { transactionalId, transactionTimeoutMs } = this.#options;
    const answer = await this.#until(async () => {
      const connection = await this.client.broker(await this.#coordinator());
      const answer = await connection.request(InitProducerIdRequest, InitProducerIdResponse, {
        transactionalId,
        transactionTimeoutMs,
      });
      return [answer.errorCode, answer] as const;
    });
    this.#producerId = answer.producerId;
    this.#producerEpoch = answer.producerEpoch;
    this.#sequences.clear();
  }

  /** Sends the values as one batch. */
  async send(topic: string, partition: number, values: readonly string[]): Promise<void> {
    const name = `${topic}-${partition}`;
    const baseSequence = this.#sequences.get(name) ?? 0;
    this.#sequences.set(name, baseSequence + values.length);
    const { transactionalId, producerId, producerEpoch } = this.#producer;
    const timestamp = this.client.ports.clock.wallMs();
    const records = buildBatch({
      records: values.map((value) => ({ key: null, value: encoder.encode(value), timestamp })),
      producerId,
      producerEpoch,
      baseSequence,
      isTransactional: true,
    });
    const init = {
      transactionalId,
      acks: -1,
      timeoutMs: this.#options.patienceMs,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    };
    await this.#until(async () => {
      const leader = await this.#leader(topic, partition);
      const connection = await this.client.broker(leader);
      const answer = await connection.request(ProduceRequest, ProduceResponse, init, {
        version: produceVersion,
      });
      return [answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1, answer] as const;
    });
  }

  /** Commits the offset of a group without members in the transaction. */
  async sendOffset(groupId: string, topic: string, offset: number): Promise<void> {
    const init = {
      ...this.#producer,
      groupId,
      topics: [
        { name: topic, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] },
      ],
    };
    await this.#until(async () => {
      const connection = await this.client.broker(await this.client.coordinator(groupId));
      const answer = await connection.request(TxnOffsetCommitRequest, TxnOffsetCommitResponse, init);
      return [answer.topics[0]?.partitions[0]?.errorCode ?? -1, answer] as const;
    });
  }

  async end(committed: boolean): Promise<void> {
    const init = { ...this.#producer, committed };
    const answer = await this.#until(async () => {
      const connection = await this.client.broker(await this.#coordinator());
      const answer = await connection.request(EndTxnRequest, EndTxnResponse, init);
      return [answer.errorCode, answer] as const;
    });
    this.#producerId = answer.producerId;
    this.#producerEpoch = answer.producerEpoch;
    this.#sequences.clear();
  }

  async #coordinator(): Promise<number> {
    const answer = await this.client.request(FindCoordinatorRequest, FindCoordinatorResponse, {
      keyType: transactionKey,
      coordinatorKeys: [this.#options.transactionalId],
    });
    const found = answer.coordinators[0];
    if (found === undefined || found.errorCode !== 0)
      throw new KafkaError(errorOf(found?.errorCode ?? Errors.COORDINATOR_NOT_AVAILABLE.code));
    return found.nodeId;
  }

  async #leader(topic: string, partition: number): Promise<number> {
    const found = (await this.client.metadata([topic])).topics.get(topic);
    const leader = found?.partitions.find(({ index }) => index === partition)?.leader ?? -1;
    if (leader < 0) throw new KafkaError(Errors.LEADER_NOT_AVAILABLE);
    return leader;
  }

  /** Repeats a request until it has a response. Rejects with the `KafkaError` of a refusal, or with `NoAnswer`. */
  async #until<T>(ask: () => Promise<readonly [number, T]>): Promise<T> {
    const { clock, scheduler } = this.client.ports;
    const untilMs = clock.monotonicMs() + this.#options.patienceMs;
    while (clock.monotonicMs() < untilMs) {
      try {
        const [errorCode, answer] = await ask();
        if (errorCode === 0) return answer;
        const error = errorOf(errorCode);
        if (!error.retriable) throw new KafkaError(error);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        // A broken connection means no response, so the request is repeated.
        if (error instanceof KafkaError && !isRetriable(error)) throw error;
      }
      await sleep(scheduler, retryMs);
    }
    throw new NoAnswer();
  }
}
