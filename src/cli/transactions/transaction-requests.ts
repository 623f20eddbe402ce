/** The requests that kafka-transactions sends. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { retry } from '../../client/retry.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../protocol/messages/transactions/22-init-producer-id.ts';
import {
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '../../protocol/messages/transactions/27-write-txn-markers.ts';
import {
  DescribeProducersRequest,
  DescribeProducersResponse,
} from '../../protocol/messages/records/61-describe-producers.ts';
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '../../protocol/messages/transactions/65-describe-transactions.ts';
import {
  ListTransactionsRequest,
  ListTransactionsResponse,
} from '../../protocol/messages/transactions/66-list-transactions.ts';
import type { Infer } from '../../protocol/schema/fields.ts';
import { byTopic, type TopicPartition } from '../cluster/list-offsets.ts';

const timeoutMs = 60_000;

type TransactionState = Infer<typeof DescribeTransactionsResponse>['transactionStates'][number];
type PartitionProducers = Infer<typeof DescribeProducersResponse>['topics'][number]['partitions'][number];
export type ActiveProducer = PartitionProducers['activeProducers'][number];

export interface ListedTransaction {
  readonly coordinator: number;
  readonly transactionalId: string;
  readonly producerId: number;
  readonly state: string;
}

export interface DescribedTransaction {
  readonly coordinator: number;
  readonly state: TransactionState;
}

/** An open transaction of a partition that shall be aborted, with the values that its abort marker needs. */
export interface AbortedTransaction extends TopicPartition {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
}

function check(errorCode: number, message?: string | null): void {
  if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), message ?? undefined);
}

export interface ListFilter {
  readonly producerIds?: readonly number[];
  /** Only transactions that have been open for longer than this are listed. A negative value lists all. */
  readonly durationMs?: number;
  readonly pattern?: string | null;
}

/** Returns the transactions of all coordinators, sorted by the id of the coordinator. */
export async function listTransactions(
  client: KafkaClient,
  { producerIds = [], durationMs = -1, pattern = null }: ListFilter,
): Promise<ListedTransaction[]> {
  const { brokers } = await retry(client.ports, timeoutMs, () => client.metadata([]));
  const ids = [...brokers.keys()].sort((left, right) => left - right);
  const lists = await Promise.all(
    ids.map((coordinator) =>
      retry(client.ports, timeoutMs, async () => {
        const connection = await client.broker(coordinator);
        const version = connection.versionOf(ListTransactionsRequest);
        const init = {
          stateFilters: [],
          producerIdFilters: [...producerIds],
          ...(version >= 1 ? { durationFilter: durationMs } : {}),
          ...(version >= 2 ? { transactionalIdPattern: pattern } : {}),
        };
        const answer = await connection.request(ListTransactionsRequest, ListTransactionsResponse, init, {
          version,
        });
        if (answer.errorCode === Errors.INVALID_REGULAR_EXPRESSION.code) {
          // Java's admin client does not know this error code, so its message does not name the cause.
          throw new Error(
            `ListTransactions request sent to broker ${coordinator} failed with an unexpected exception`,
          );
        }
        check(answer.errorCode);
        return answer.transactionStates.map(({ transactionalId, producerId, transactionState }) => ({
          coordinator,
          transactionalId,
          producerId,
          state: transactionState,
        }));
      }),
    ),
  );
  return lists.flat();
}

/** Describes a transaction. Throws TRANSACTIONAL_ID_NOT_FOUND with the message of Java's admin client. */
export function describeTransaction(
  client: KafkaClient,
  transactionalId: string,
): Promise<DescribedTransaction> {
  return retry(client.ports, timeoutMs, async () => {
    const coordinator = await client.coordinator(transactionalId, 'transaction');
    const answer = await client.requestTo(
      coordinator,
      DescribeTransactionsRequest,
      DescribeTransactionsResponse,
      { transactionalIds: [transactionalId] },
    );
    const state = answer.transactionStates[0] as TransactionState;
    if (state.errorCode === Errors.TRANSACTIONAL_ID_NOT_FOUND.code) {
      throw new KafkaError(
        Errors.TRANSACTIONAL_ID_NOT_FOUND,
        `DescribeTransactions request for transactionalId \`${transactionalId}\` failed because the ID could not be found`,
      );
    }
    check(state.errorCode);
    return { coordinator, state };
  });
}

/**
 * Returns the producers that write to the partitions: as the broker `brokerId` knows them, or as the leaders of the partitions
 * know them when it is null.
 */
export async function describeProducers(
  client: KafkaClient,
  partitions: readonly TopicPartition[],
  brokerId: number | null,
): Promise<(TopicPartition & { producers: readonly ActiveProducer[] })[]> {
  return retry(client.ports, timeoutMs, async () => {
    const groups = new Map<number, TopicPartition[]>();
    if (brokerId !== null) groups.set(brokerId, [...partitions]);
    else await groupByLeader(client, partitions, groups);
    const answers = await Promise.all(
      [...groups].map(async ([id, group]) => {
        const topics = byTopic(group).map(({ name, list }) => ({
          name,
          partitionIndexes: list.map(({ partition }) => partition),
        }));
        return client.requestTo(id, DescribeProducersRequest, DescribeProducersResponse, { topics });
      }),
    );
    return answers
      .flatMap(({ topics }) => topics)
      .flatMap(({ name, partitions: described }) =>
        described.map((one) => {
          check(one.errorCode, one.errorMessage);
          return { topic: name, partition: one.partitionIndex, producers: one.activeProducers };
        }),
      );
  });
}

async function groupByLeader(
  client: KafkaClient,
  partitions: readonly TopicPartition[],
  groups: Map<number, TopicPartition[]>,
): Promise<void> {
  const { topics } = await client.metadata([...new Set(partitions.map(({ topic }) => topic))]);
  for (const one of partitions) {
    const found = topics.get(one.topic)?.partitions.find(({ index }) => index === one.partition);
    if (found === undefined) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    if (found.leader < 0) throw new KafkaError(Errors.LEADER_NOT_AVAILABLE);
    groups.set(found.leader, [...(groups.get(found.leader) ?? []), one]);
  }
}

/**
 * Writes an abort marker to the partition. No coordinator takes part, so it also ends a transaction that no coordinator knows.
 */
export function abortTransaction(client: KafkaClient, aborted: AbortedTransaction): Promise<void> {
  return retry(client.ports, timeoutMs, async () => {
    const groups = new Map<number, TopicPartition[]>();
    await groupByLeader(client, [aborted], groups);
    const [leader] = groups.keys();
    const { topic, partition, producerId, producerEpoch, coordinatorEpoch } = aborted;
    const answer = await client.requestTo(leader as number, WriteTxnMarkersRequest, WriteTxnMarkersResponse, {
      markers: [
        {
          producerId,
          producerEpoch,
          coordinatorEpoch,
          transactionResult: false,
          topics: [{ name: topic, partitionIndexes: [partition] }],
        },
      ],
    });
    check(answer.markers[0]?.topics[0]?.partitions[0]?.errorCode ?? 0);
  });
}

/** Fences the producer with this transactional id. The coordinator then aborts its open transaction. */
export function fenceProducer(client: KafkaClient, transactionalId: string): Promise<void> {
  return retry(client.ports, timeoutMs, async () => {
    const coordinator = await client.coordinator(transactionalId, 'transaction');
    const answer = await client.requestTo(coordinator, InitProducerIdRequest, InitProducerIdResponse, {
      transactionalId,
      // Java's admin client uses the time-out of its requests here.
      transactionTimeoutMs: 30_000,
    });
    check(answer.errorCode);
  });
}
