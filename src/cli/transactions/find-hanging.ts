/**
 * Finds hanging transactions. Such a transaction has been open in a partition for longer than a transaction may last, but its
 * coordinator does not know it or does not know that it has this partition. So no coordinator will ever end it, and the last
 * stable offset cannot advance past it.
 */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { partitionKey, type TopicPartition } from '../cluster/list-offsets.ts';
import {
  type ActiveProducer,
  describeProducers,
  describeTransaction,
  listTransactions,
} from './transaction-requests.ts';

export interface HangingSearch {
  readonly brokerId: number | null;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly olderThanMs: number;
  readonly nowMs: number;
}

export interface OpenTransaction extends TopicPartition {
  readonly producer: ActiveProducer;
}

/**
 * Returns the partitions to examine: those of the topic, or of all topics when none is given. With a broker id only partitions
 * with a replica on that broker are examined.
 */
async function partitionsOf(client: KafkaClient, search: HangingSearch): Promise<TopicPartition[]> {
  const { topics } = await client.metadata(search.topic === null ? null : [search.topic]);
  return [...topics.values()].flatMap(({ name, partitions }) =>
    partitions
      .filter(({ index }) => search.partition === null || index === search.partition)
      .filter(({ replicas }) => search.brokerId === null || replicas.includes(search.brokerId))
      .map(({ index }) => ({ topic: name, partition: index })),
  );
}

export async function findHanging(client: KafkaClient, search: HangingSearch): Promise<OpenTransaction[]> {
  const partitions = await partitionsOf(client, search);
  if (partitions.length === 0) return [];
  const described = await describeProducers(client, partitions, search.brokerId);
  const candidates = described.flatMap(({ topic, partition, producers }) =>
    producers
      .filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0)
      .filter(({ lastTimestamp }) => search.nowMs - lastTimestamp > search.olderThanMs)
      .map((producer) => ({ topic, partition, producer })),
  );
  return candidates.length === 0 ? [] : unknownToCoordinators(client, candidates);
}

async function unknownToCoordinators(
  client: KafkaClient,
  candidates: readonly OpenTransaction[],
): Promise<OpenTransaction[]> {
  const producerIds = [...new Set(candidates.map(({ producer }) => producer.producerId))];
  const listed = await listTransactions(client, { producerIds });
  const known = new Set<string>();
  for (const { transactionalId, producerId } of listed) {
    try {
      const { state } = await describeTransaction(client, transactionalId);
      for (const { topic, partitions } of state.topics)
        for (const partition of partitions) known.add(`${producerId} ${partitionKey({ topic, partition })}`);
    } catch (error) {
      // The transactional id expired after it was listed.
      if (!(error instanceof KafkaError) || error.error !== Errors.TRANSACTIONAL_ID_NOT_FOUND) throw error;
    }
  }
  return candidates.filter((one) => !known.has(`${one.producer.producerId} ${partitionKey(one)}`));
}
