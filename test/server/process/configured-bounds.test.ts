/**
 * Exceeds each bound of a request (docs/limits.md) by one, through a real socket. This checks that the configured or default
 * value reaches the code that enforces it.
 */
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import { errorOf } from '../../../src/protocol/errors.ts';
import {
  OffsetCommitRequest,
  OffsetCommitResponse,
} from '../../../src/protocol/messages/groups/08-offset-commit.ts';
import {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../../../src/protocol/messages/groups/10-find-coordinator.ts';
import { JoinGroupRequest, JoinGroupResponse } from '../../../src/protocol/messages/groups/11-join-group.ts';
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../src/protocol/messages/groups/68-consumer-group-heartbeat.ts';
import { ProduceRequest, ProduceResponse } from '../../../src/protocol/messages/records/00-produce.ts';
import { FetchRequest, FetchResponse } from '../../../src/protocol/messages/records/01-fetch.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../../src/protocol/messages/topics/19-create-topics.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../../src/protocol/messages/transactions/22-init-producer-id.ts';
import { buildBatch } from '../../../src/protocol/records/builder.ts';
import { createTopic, type NodeFiles, until, Workshop } from './harness.ts';

const workshop = new Workshop();
let client: KafkaClient;
const ids = new Map<string, string>();

function name({ errorCode }: { readonly errorCode: number }): string {
  return errorOf(errorCode).name;
}

function named<T extends { readonly errorCode: number }>(found: readonly T[] | undefined): string {
  return found?.[0] === undefined ? 'no answer' : name(found[0]);
}

async function commit(committedMetadata: string): Promise<string> {
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata }];
  const topics = [{ name: 'a', topicId: ids.get('a') ?? '', partitions }];
  const request = { groupId: 'offsets', memberId: '', topics };
  const answer = await client.request(OffsetCommitRequest, OffsetCommitResponse, request);
  return named(answer.topics[0]?.partitions);
}

const init = (transactionTimeoutMs: number) =>
  client.request(InitProducerIdRequest, InitProducerIdResponse, {
    transactionalId: 'x',
    transactionTimeoutMs,
  });

beforeAll(async () => {
  const [node] = (await workshop.nodes(1, {
    'group.max.size': 1,
    'group.consumer.max.size': 1,
    'group.initial.rebalance.delay.ms': 0,
    'offset.metadata.max.bytes': 10,
    'max.incremental.fetch.session.cache.slots': 1,
    'transaction.max.timeout.ms': 5_000,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'log.cleanup.policy': 'compact',
  })) as [NodeFiles];
  await workshop.format([node]);
  await workshop.startAll([node]);
  client = workshop.client(node);
  await createTopic(client, 'a', 1, 1);
  for (const [topic, { id }] of (await client.metadata(['a'])).topics) ids.set(topic, id);
  // The first FindCoordinator request creates the coordinator's internal topic; then the coordinator loads it. Wait for both.
  for (const keyType of [0, 1])
    await until('the topics of the coordinators', async () => {
      const coordinatorKeys = ['x'];
      const asked = { keyType, coordinatorKeys };
      return named(
        (await client.request(FindCoordinatorRequest, FindCoordinatorResponse, asked)).coordinators,
      ) === 'NONE'
        ? true
        : null;
    });
  await until('the coordinators', async () =>
    [await commit(''), name(await init(5_000))].every((error) => error === 'NONE') ? true : null,
  );
});

afterAll(() => workshop.close());

beforeEach(() => {
  onTestFailed(() => console.log(workshop.story()));
});

test('group.max.size: one member more gets GROUP_MAX_SIZE_REACHED', async () => {
  const join = (memberId = '') =>
    client.request(JoinGroupRequest, JoinGroupResponse, {
      groupId: 'classic',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: new Uint8Array(0) }],
    });
  const first = await join();
  expect(name(first)).toBe('MEMBER_ID_REQUIRED');
  expect(name(await join(first.memberId))).toBe('NONE');
  const second = await join();
  expect(name(second.memberId === '' ? second : await join(second.memberId))).toBe('GROUP_MAX_SIZE_REACHED');
});

const heartbeat = (groupId: string, memberId: string, subscription: object) =>
  client.request(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, {
    groupId,
    memberId,
    memberEpoch: 0,
    rebalanceTimeoutMs: 10_000,
    topicPartitions: [],
    ...subscription,
  });

test('group.consumer.max.size: one member more gets GROUP_MAX_SIZE_REACHED', async () => {
  const subscribedTopicNames = ['a'];
  expect(name(await heartbeat('modern', 'one', { subscribedTopicNames }))).toBe('NONE');
  expect(name(await heartbeat('modern', 'two', { subscribedTopicNames }))).toBe('GROUP_MAX_SIZE_REACHED');
});

test('regexSizeMax: a larger expression gets INVALID_REGULAR_EXPRESSION', async () => {
  const subscribedTopicRegex = '(a{100}){50}';
  expect(name(await heartbeat('regex', 'one', { subscribedTopicRegex }))).toBe('INVALID_REGULAR_EXPRESSION');
});

test('offset.metadata.max.bytes: longer metadata gets OFFSET_METADATA_TOO_LARGE', async () => {
  expect(await commit('x'.repeat(10))).toBe('NONE');
  expect(await commit('x'.repeat(11))).toBe('OFFSET_METADATA_TOO_LARGE');
});

test('max.incremental.fetch.session.cache.slots: one client more gets no session', async () => {
  const fetch = () =>
    client.request(FetchRequest, FetchResponse, {
      maxWaitMs: 0,
      minBytes: 0,
      sessionEpoch: 0,
      topics: [
        {
          topic: 'a',
          topicId: ids.get('a') ?? '',
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }],
        },
      ],
      forgottenTopicsData: [],
    });
  expect((await fetch()).sessionId).toBeGreaterThan(0);
  expect((await fetch()).sessionId).toBe(0);
});

test('transaction.max.timeout.ms: a longer timeout gets INVALID_TRANSACTION_TIMEOUT', async () => {
  expect(name(await init(5_000))).toBe('NONE');
  expect(name(await init(5_001))).toBe('INVALID_TRANSACTION_TIMEOUT');
});

const create = async (topic: string, numPartitions: number): Promise<string> => {
  const { topics } = await client.request(CreateTopicsRequest, CreateTopicsResponse, {
    topics: [{ name: topic, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
    validateOnly: true,
  });
  return named(topics);
};

test('partitionsPerRequestMax: a topic with more partitions gets POLICY_VIOLATION', async () => {
  expect(await create('many', 10_000)).toBe('NONE');
  expect(await create('many', 10_001)).toBe('POLICY_VIOLATION');
});

async function produce(records: Uint8Array) {
  const { responses } = await client.request(ProduceRequest, ProduceResponse, {
    acks: 1,
    timeoutMs: 10_000,
    topicData: [{ name: 'a', topicId: ids.get('a') ?? '', partitionData: [{ index: 0, records }] }],
  });
  return responses[0]?.partitionResponses[0];
}

test('unpackedBytesFloor: a batch that unpacks to more gets CORRUPT_MESSAGE', async () => {
  const batch = (bytes: number): Uint8Array => {
    const value = new Uint8Array(bytes);
    const record = { key: new Uint8Array(1), value, timestamp: Date.now() };
    return buildBatch({ records: [record], compression: 'gzip' });
  };
  const mebibyte = 1024 * 1024;
  expect((await produce(batch(15 * mebibyte)))?.errorCode).toBe(0);
  expect(named([(await produce(batch(17 * mebibyte))) ?? { errorCode: -1 }])).toBe('CORRUPT_MESSAGE');
});

test('recordErrorsMax: at most so many record errors are returned', async () => {
  const record = { key: null, value: new Uint8Array(1), timestamp: Date.now() };
  const refused = await produce(buildBatch({ records: Array.from({ length: 1_100 }, () => record) }));
  expect(named([refused ?? { errorCode: -1 }])).toBe('INVALID_RECORD');
  expect(refused?.recordErrors).toHaveLength(1_000);
});
