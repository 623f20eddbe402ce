/** What a broker answers about groups and transactions before their internal topics exist; compared with Apache Kafka 4.3.1. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Errors, errorOf } from '../../../src/protocol/errors.ts';
import { HeartbeatRequest, HeartbeatResponse } from '../../../src/protocol/messages/groups/12-heartbeat.ts';
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../src/protocol/messages/groups/68-consumer-group-heartbeat.ts';
import {
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '../../../src/protocol/messages/transactions/27-write-txn-markers.ts';
import {
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '../../../src/protocol/messages/transactions/28-txn-offset-commit.ts';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import { createTopic, type NodeFiles, Workshop } from './harness.ts';

const workshop = new Workshop();
let client: KafkaClient;

beforeAll(async () => {
  const [node] = (await workshop.nodes(1)) as [NodeFiles];
  await workshop.format([node]);
  await workshop.startAll([node]);
  client = workshop.client(node);
  await createTopic(client, 't', 1, 1);
});

afterAll(() => workshop.close());

const name = (code: number | undefined): string => errorOf(code ?? -1).name;

test('heartbeats get NOT_COORDINATOR without an error message', async () => {
  const classic = { groupId: 'g', generationId: 1, memberId: 'm' };
  const { errorCode } = await client.requestTo(1, HeartbeatRequest, HeartbeatResponse, classic);
  expect(name(errorCode)).toBe('NOT_COORDINATOR');
  const consumer = { groupId: 'g', memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 1000 };
  const answer = await client.requestTo(1, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, {
    ...consumer,
    subscribedTopicNames: ['t'],
    topicPartitions: [],
  });
  expect(answer).toMatchObject({ errorCode: Errors.NOT_COORDINATOR.code, errorMessage: null });
});

test('TxnOffsetCommit gets the retriable COORDINATOR_NOT_AVAILABLE', async () => {
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }];
  const answer = await client.requestTo(1, TxnOffsetCommitRequest, TxnOffsetCommitResponse, {
    transactionalId: 'tx',
    groupId: 'g',
    producerId: 1,
    producerEpoch: 0,
    topics: [{ name: 't', partitions }],
  });
  expect(name(answer.topics[0]?.partitions[0]?.errorCode)).toBe('COORDINATOR_NOT_AVAILABLE');
});

test('WriteTxnMarkers for __consumer_offsets gets UNKNOWN_TOPIC_OR_PARTITION', async () => {
  const topics = [{ name: '__consumer_offsets', partitionIndexes: [0] }];
  const marker = { producerId: 1, producerEpoch: 0, transactionResult: true, coordinatorEpoch: 0, topics };
  const answer = await client.requestTo(1, WriteTxnMarkersRequest, WriteTxnMarkersResponse, {
    markers: [marker],
  });
  expect(name(answer.markers[0]?.topics[0]?.partitions[0]?.errorCode)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
});
