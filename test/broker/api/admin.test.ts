import { describe, expect, test } from 'vitest';
import { nodeId } from '../../../src/base/ids.ts';
import { uuidZero } from '../../../src/base/uuid.ts';
import { record } from '../../../src/metadata/records.ts';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';
import { ListOffsetsRequest, ListOffsetsResponse } from '../../../src/protocol/messages/02-list-offsets.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../../src/protocol/messages/19-create-topics.ts';
import {
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from '../../../src/protocol/messages/20-delete-topics.ts';
import {
  DeleteRecordsRequest,
  DeleteRecordsResponse,
} from '../../../src/protocol/messages/21-delete-records.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../../src/protocol/messages/22-init-producer-id.ts';
import {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '../../../src/protocol/messages/23-offset-for-leader-epoch.ts';
import {
  DescribeConfigsRequest,
  DescribeConfigsResponse,
} from '../../../src/protocol/messages/32-describe-configs.ts';
import {
  AlterConfigsRequest,
  AlterConfigsResponse,
} from '../../../src/protocol/messages/33-alter-configs.ts';
import {
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
} from '../../../src/protocol/messages/35-describe-log-dirs.ts';
import {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
} from '../../../src/protocol/messages/37-create-partitions.ts';
import {
  ElectLeadersRequest,
  ElectLeadersResponse,
} from '../../../src/protocol/messages/43-elect-leaders.ts';
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../../../src/protocol/messages/44-incremental-alter-configs.ts';
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../../../src/protocol/messages/46-list-partition-reassignments.ts';
import {
  DescribeQuorumRequest,
  DescribeQuorumResponse,
} from '../../../src/protocol/messages/55-describe-quorum.ts';
import {
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../../../src/protocol/messages/57-update-features.ts';
import {
  DescribeProducersRequest,
  DescribeProducersResponse,
} from '../../../src/protocol/messages/61-describe-producers.ts';
import {
  UnregisterBrokerRequest,
  UnregisterBrokerResponse,
} from '../../../src/protocol/messages/64-unregister-broker.ts';
import {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from '../../../src/protocol/messages/67-allocate-producer-ids.ts';
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '../../../src/protocol/messages/71-get-telemetry-subscriptions.ts';
import { batchOf, brokerRecord, frame, idA, settle, TestBroker, topicRecords } from '../harness.ts';

const idC = 'AAAAAAAAAAAAAAAAAAACew';
const newTopic = { name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };

describe('forwarded requests', () => {
  test.each([2, 3, 4, 5, 6, 7])(
    'CreateTopics v%i answers once this broker knows the topic',
    async (version) => {
      const broker = new TestBroker();
      broker.controller.on(CreateTopicsRequest, CreateTopicsResponse, () => ({
        topics: [
          {
            name: 'new',
            topicId: idC,
            errorCode: 0,
            errorMessage: null,
            numPartitions: 1,
            replicationFactor: 1,
            configs: [],
          },
        ],
      }));
      const connection = broker.connect();
      connection.feed(frame(CreateTopicsRequest, version, { topics: [newTopic] }));
      await settle();
      expect(connection.frames()).toEqual([]);
      broker.apply(topicRecords('new', idC, 1));
      await settle();
      expect(connection.frames().length).toBe(1);
      expect(broker.controller.requests[0]).toMatchObject({ apiKey: 19, version });
    },
  );

  test('the wait is bounded, and a validation does not wait', async () => {
    const broker = new TestBroker();
    broker.controller.on(CreateTopicsRequest, CreateTopicsResponse, () => ({
      topics: [{ name: 'new', errorCode: 0, errorMessage: null, configs: [] }],
    }));
    const connection = broker.connect();
    connection.feed(frame(CreateTopicsRequest, 7, { topics: [newTopic] }));
    await settle();
    await broker.time.advance(1_000);
    expect(connection.frames().length).toBe(1);
    connection.feed(frame(CreateTopicsRequest, 7, { topics: [newTopic], validateOnly: true }));
    await settle();
    expect(connection.frames().length).toBe(2);
  });

  test('DeleteTopics answers once the topic that was meant is gone', async () => {
    const broker = new TestBroker();
    broker.controller.on(DeleteTopicsRequest, DeleteTopicsResponse, () => {
      broker.apply([record('RemoveTopicRecord', { topicId: idA }), ...topicRecords('a', idC, 1)]);
      return { responses: [{ name: 'a', errorCode: 0 }] };
    });
    const response = await broker.inject(DeleteTopicsRequest, DeleteTopicsResponse, 5, {
      topicNames: ['a'],
      timeoutMs: 100,
    });
    expect(response.responses).toMatchObject([{ name: 'a', errorCode: 0 }]);
  });

  test('no controller: every row says REQUEST_TIMED_OUT', async () => {
    const broker = new TestBroker();
    const timeoutMs = 10;
    const created = await broker.inject(CreateTopicsRequest, CreateTopicsResponse, 7, { topics: [newTopic] });
    expect(created.topics).toMatchObject([{ name: 'new', errorCode: 7 }]);
    const deleted = await broker.inject(DeleteTopicsRequest, DeleteTopicsResponse, 6, {
      topics: [{ name: 'a', topicId: uuidZero }, { topicId: idA }],
      timeoutMs,
    });
    expect(deleted.responses).toMatchObject([
      { name: 'a', errorCode: 7 },
      { topicId: idA, errorCode: 7 },
    ]);
    const byName = await broker.inject(DeleteTopicsRequest, DeleteTopicsResponse, 3, {
      topicNames: ['a'],
      timeoutMs,
    });
    expect(byName.responses).toMatchObject([{ name: 'a', errorCode: 7 }]);
    const partitions = await broker.inject(CreatePartitionsRequest, CreatePartitionsResponse, 3, {
      topics: [{ name: 'a', count: 9, assignments: null }],
      timeoutMs,
      validateOnly: false,
    });
    expect(partitions.results).toMatchObject([{ name: 'a', errorCode: 7 }]);
    const resources = [{ resourceType: 2, resourceName: 'a', configs: [] }];
    expect(
      (await broker.inject(AlterConfigsRequest, AlterConfigsResponse, 1, { resources, validateOnly: false }))
        .responses,
    ).toMatchObject([{ resourceName: 'a', errorCode: 7 }]);
    const altered = await broker.inject(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, 1, {
      resources,
      validateOnly: false,
    });
    expect(altered.responses).toMatchObject([{ resourceName: 'a', errorCode: 7 }]);
    const elected = await broker.inject(ElectLeadersRequest, ElectLeadersResponse, 2, {
      electionType: 0,
      topicPartitions: [{ topic: 'a', partitions: [1] }],
    });
    expect(elected).toMatchObject({
      errorCode: 7,
      replicaElectionResults: [{ topic: 'a', partitionResult: [{ partitionId: 1, errorCode: 7 }] }],
    });
    const listed = await broker.inject(
      ListPartitionReassignmentsRequest,
      ListPartitionReassignmentsResponse,
      0,
      {},
    );
    expect(listed).toMatchObject({ errorCode: 7, topics: [] });
    expect(
      await broker.inject(UpdateFeaturesRequest, UpdateFeaturesResponse, 1, { featureUpdates: [] }),
    ).toMatchObject({ errorCode: 7 });
    expect(
      await broker.inject(UnregisterBrokerRequest, UnregisterBrokerResponse, 0, { brokerId: 2 }),
    ).toMatchObject({ errorCode: 7 });
  });

  test('UnregisterBroker and CreatePartitions wait for what they changed', async () => {
    const broker = new TestBroker();
    broker.controller.on(UnregisterBrokerRequest, UnregisterBrokerResponse, () => ({
      errorCode: 0,
      errorMessage: null,
    }));
    const connection = broker.connect('controller');
    connection.feed(frame(UnregisterBrokerRequest, 0, { brokerId: 2 }));
    await settle();
    expect(connection.frames().length).toBe(0);
    broker.apply([record('UnregisterBrokerRecord', { brokerId: 2, brokerEpoch: 20 })]);
    await settle();
    expect(connection.frames().length).toBe(1);
    broker.controller.on(CreatePartitionsRequest, CreatePartitionsResponse, () => ({
      results: [{ name: 'a', errorCode: 0 }],
    }));
    connection.feed(
      frame(CreatePartitionsRequest, 3, {
        topics: [{ name: 'a', count: 4, assignments: null }],
        timeoutMs: 10,
        validateOnly: false,
      }),
    );
    await settle();
    expect(connection.frames().length).toBe(1);
    const [, ...rows] = topicRecords('a', idA, 4);
    broker.apply(rows.slice(3));
    await settle();
    expect(connection.frames().length).toBe(2);
  });

  test('IncrementalAlterConfigs: loggers are refused here, the rest waits until it shows', async () => {
    const broker = new TestBroker();
    broker.controller.on(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, ({ resources }) => {
      broker.apply([
        record('ConfigRecord', { resourceType: 2, resourceName: 'a', name: 'retention.ms', value: '7' }),
      ]);
      return {
        responses: resources.map(({ resourceType, resourceName }) => ({
          errorCode: 0,
          errorMessage: null,
          resourceType,
          resourceName,
        })),
      };
    });
    const set = [{ name: 'retention.ms', configOperation: 0, value: '7' }];
    const response = await broker.inject(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, 1, {
      resources: [
        { resourceType: 8, resourceName: '1', configs: set },
        { resourceType: 2, resourceName: 'a', configs: set },
      ],
      validateOnly: false,
    });
    expect(response.responses.map(({ errorCode, resourceType }) => [resourceType, errorCode])).toEqual([
      [2, 0],
      [8, 42],
    ]);
  });
});

describe('ListOffsets', () => {
  async function look(
    broker: TestBroker,
    version: number,
    timestamp: number,
    options: { isolationLevel?: number; topic?: string; index?: number } = {},
  ) {
    const { isolationLevel = 0, topic = 'a', index = 0 } = options;
    const response = await broker.inject(ListOffsetsRequest, ListOffsetsResponse, version, {
      replicaId: -1,
      isolationLevel,
      topics: [{ name: topic, partitions: [{ partitionIndex: index, timestamp }] }],
    });
    return response.topics[0]?.partitions[0];
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])('v%i', async (version) => {
    const broker = new TestBroker();
    const replica = broker.replica(idA, 0);
    for (let i = 0; i < 3; i++) replica.appendAsLeader(batchOf(), 1);
    replica.logStartOffset = 1;
    replica.lastStableOffset = 2;
    expect(await look(broker, version, -1)).toMatchObject({ errorCode: 0, offset: 3 });
    expect(await look(broker, version, -2)).toMatchObject({ errorCode: 0, offset: 1 });
    expect(await look(broker, version, 99)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
    if (version >= 2)
      expect(await look(broker, version, -1, { isolationLevel: 1 })).toMatchObject({ offset: 2 });
    expect(await look(broker, version, -3)).toMatchObject({ errorCode: version >= 7 ? 0 : 35 });
    expect(await look(broker, version, -99)).toMatchObject({ errorCode: 35 });
    expect(await look(broker, version, -1, { index: 9 })).toMatchObject({ errorCode: 3 });
    replica.error = new KafkaError(Errors.OFFSET_NOT_AVAILABLE);
    expect(await look(broker, version, -1)).toMatchObject({ errorCode: version >= 5 ? 78 : 5, offset: -1 });
  });
});

describe('InitProducerId', () => {
  const body = { transactionalId: null, transactionTimeoutMs: 0 };

  test('ids from blocks, the next block before the last id', async () => {
    const broker = new TestBroker();
    let start = 100;
    broker.controller.on(AllocateProducerIdsRequest, AllocateProducerIdsResponse, ({ brokerEpoch }) => {
      expect(brokerEpoch).toBe(10);
      const producerIdStart = start;
      start += 1_000;
      return { errorCode: 0, producerIdStart, producerIdLen: 10 };
    });
    const ids: number[] = [];
    for (let i = 0; i < 12; i++) {
      const response = await broker.inject(InitProducerIdRequest, InitProducerIdResponse, i % 6, body);
      expect(response).toMatchObject({ errorCode: 0, producerEpoch: 0 });
      ids.push(response.producerId);
    }
    expect(ids).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 1100, 1101]);
    expect(broker.controller.requests.length).toBe(2);
  });

  test('no controller: to be repeated; transactional ids: not served', async () => {
    const broker = new TestBroker();
    const code = async (transactionalId: string | null) =>
      (
        await broker.inject(InitProducerIdRequest, InitProducerIdResponse, 4, {
          transactionalId,
          transactionTimeoutMs: 1,
        })
      ).errorCode;
    expect(await code(null)).toBe(14);
    expect(await code('')).toBe(42);
    expect(await code('t')).toBe(35);
  });
});

describe('DeleteRecords', () => {
  async function trim(broker: TestBroker, name: string, offset: number, index = 0) {
    const response = await broker.inject(DeleteRecordsRequest, DeleteRecordsResponse, 2, {
      topics: [{ name, partitions: [{ partitionIndex: index, offset }] }],
      timeoutMs: 100,
    });
    return response.topics[0]?.partitions[0];
  }

  test('moves the start; refuses what it must', async () => {
    const broker = new TestBroker();
    for (let i = 0; i < 3; i++) broker.replica(idA, 0).appendAsLeader(batchOf(), 1);
    expect(await trim(broker, 'a', 2)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await trim(broker, 'a', -1)).toMatchObject({ errorCode: 0, lowWatermark: 3 });
    expect(await trim(broker, 'a', 9)).toMatchObject({ errorCode: 1, lowWatermark: -1 });
    expect(await trim(broker, 'a', 0, 7)).toMatchObject({ errorCode: 3 });
    expect(await trim(broker, '__consumer_offsets', 0)).toMatchObject({ errorCode: 17 });
    broker.apply([
      record('ConfigRecord', {
        resourceType: 2,
        resourceName: 'a',
        name: 'cleanup.policy',
        value: 'compact',
      }),
    ]);
    expect(await trim(broker, 'a', 3)).toMatchObject({ errorCode: 44 });
  });
});

describe('DescribeConfigs', () => {
  async function ask(
    broker: TestBroker,
    resourceType: number,
    resourceName: string,
    configurationKeys: string[] | null = null,
    version = 4,
  ) {
    const response = await broker.inject(DescribeConfigsRequest, DescribeConfigsResponse, version, {
      resources: [{ resourceType, resourceName, configurationKeys }],
      includeSynonyms: true,
    });
    return response.results[0];
  }

  test.each([1, 2, 3, 4])('v%i: a topic', async (version) => {
    const broker = new TestBroker();
    broker.apply([
      record('ConfigRecord', { resourceType: 2, resourceName: 'a', name: 'retention.ms', value: '7' }),
    ]);
    const result = await ask(broker, 2, 'a', ['retention.ms', 'segment.ms'], version);
    expect(
      result?.configs.map(({ name, value, configSource }) => [name, value, configSource]).sort(),
    ).toEqual([
      ['retention.ms', '7', 1],
      ['segment.ms', '604800000', 5],
    ]);
  });

  test('this broker, its defaults, and the wrong one', async () => {
    const broker = new TestBroker();
    const own = await ask(broker, 4, '1');
    expect(own?.configs.find(({ name }) => name === 'node.id')).toMatchObject({
      value: '1',
      configSource: 4,
      readOnly: true,
    });
    expect(await ask(broker, 4, '')).toMatchObject({ errorCode: 0, configs: [] });
    expect(await ask(broker, 4, '2')).toMatchObject({
      errorCode: 42,
      errorMessage: 'Unexpected broker id, expected 1 or empty string, but received 2',
    });
    expect(await ask(broker, 4, 'x')).toMatchObject({ errorCode: 42 });
  });

  test('the other kinds', async () => {
    const broker = new TestBroker();
    expect((await ask(broker, 32, 'g', ['consumer.session.timeout.ms']))?.configs).toMatchObject([
      { value: '45000' },
    ]);
    expect((await ask(broker, 16, 'm'))?.errorCode).toBe(0);
    expect((await ask(broker, 8, '1'))?.configs).toMatchObject([{ name: 'root', configSource: 6 }]);
    expect(await ask(broker, 2, 'nope')).toMatchObject({ errorCode: 3 });
    expect(await ask(broker, 2, 'a b')).toMatchObject({ errorCode: 17 });
    expect(await ask(broker, 99, 'x')).toMatchObject({ errorCode: 42 });
  });
});

describe('the rest', () => {
  test('DescribeLogDirs', async () => {
    const broker = new TestBroker();
    broker.directories.push(
      {
        path: '/data',
        offline: false,
        totalBytes: 100,
        usableBytes: 40,
        logs: [
          { topic: 'a', index: 0, sizeBytes: 5, offsetLag: 0, isFuture: false },
          { topic: 'a', index: 1, sizeBytes: 6, offsetLag: 0, isFuture: false },
          { topic: 'b', index: 0, sizeBytes: 7, offsetLag: 0, isFuture: false },
        ],
      },
      { path: '/broken', offline: true, totalBytes: -1, usableBytes: -1, logs: [] },
    );
    for (const version of [1, 2, 3, 4, 5]) {
      const all = await broker.inject(DescribeLogDirsRequest, DescribeLogDirsResponse, version, {
        topics: null,
      });
      expect(all.results).toMatchObject([
        { errorCode: 0, logDir: '/data' },
        { errorCode: 56, logDir: '/broken' },
      ]);
      expect(all.results[0]?.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
        ['a', 2],
        ['b', 1],
      ]);
    }
    const some = await broker.inject(DescribeLogDirsRequest, DescribeLogDirsResponse, 4, {
      topics: [{ topic: 'a', partitions: [1] }],
    });
    expect(some.results[0]).toMatchObject({
      totalBytes: 100,
      usableBytes: 40,
      topics: [{ name: 'a', partitions: [{ partitionIndex: 1, partitionSize: 6 }] }],
    });
  });

  test('OffsetForLeaderEpoch', async () => {
    const broker = new TestBroker();
    broker.replica(idA, 0).appendAsLeader(batchOf(), 1);
    const ask = async (partition: number, leaderEpoch: number) => {
      const response = await broker.inject(OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, 4, {
        topics: [{ topic: 'a', partitions: [{ partition, leaderEpoch }] }],
      });
      return response.topics[0]?.partitions[0];
    };
    expect(await ask(0, 5)).toMatchObject({ errorCode: 0, leaderEpoch: 5, endOffset: 1 });
    expect(await ask(0, 6)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 });
    expect(await ask(8, 6)).toMatchObject({ errorCode: 3 });
  });

  test('DescribeProducers', async () => {
    const broker = new TestBroker();
    const response = await broker.inject(DescribeProducersRequest, DescribeProducersResponse, 0, {
      topics: [{ name: 'a', partitionIndexes: [0, 9] }],
    });
    expect(response.topics[0]?.partitions).toMatchObject([
      { errorCode: 0, activeProducers: [] },
      { errorCode: 3 },
    ]);
  });

  test('DescribeQuorum: the leader answers, others hand it on', async () => {
    const broker = new TestBroker();
    const replica = { id: nodeId(1), directoryId: idA, logEndOffset: 11, lastFetchMs: 5, lastCaughtUpMs: 6 };
    broker.quorum = {
      ...broker.quorum,
      voters: [{ ...replica, endpoints: [{ name: 'CONTROLLER', host: 'c1', port: 9093 }] }],
      observers: [{ ...replica, id: nodeId(2) }],
    };
    const body = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] };
    for (const version of [0, 1, 2]) {
      const response = await broker.inject(DescribeQuorumRequest, DescribeQuorumResponse, version, body);
      expect(response.topics[0]?.partitions[0]).toMatchObject({
        errorCode: 0,
        leaderId: 1,
        leaderEpoch: 3,
        highWatermark: 10,
        currentVoters: [{ replicaId: 1, logEndOffset: 11 }],
        observers: [{ replicaId: 2 }],
      });
      if (version === 2)
        expect(response.nodes).toEqual([
          { nodeId: 1, listeners: [{ name: 'CONTROLLER', host: 'c1', port: 9093 }] },
        ]);
    }
    const wrong = await broker.inject(DescribeQuorumRequest, DescribeQuorumResponse, 2, {
      topics: [{ topicName: 'a', partitions: [{ partitionIndex: 0 }] }],
    });
    expect(wrong.topics[0]?.partitions[0]?.errorCode).toBe(3);
    broker.quorum = { ...broker.quorum, leaderId: nodeId(2) };
    expect(
      (await broker.inject(DescribeQuorumRequest, DescribeQuorumResponse, 2, body)).topics[0]?.partitions[0]
        ?.leaderId,
    ).toBe(2);
    broker.controller.on(DescribeQuorumRequest, DescribeQuorumResponse, () => ({
      errorCode: 0,
      errorMessage: 'from the leader',
      topics: [],
      nodes: [],
    }));
    expect((await broker.inject(DescribeQuorumRequest, DescribeQuorumResponse, 2, body)).errorMessage).toBe(
      'from the leader',
    );
  });

  test('GetTelemetrySubscriptions asks for nothing', async () => {
    const broker = new TestBroker({ records: [brokerRecord(1)] });
    const response = await broker.inject(
      GetTelemetrySubscriptionsRequest,
      GetTelemetrySubscriptionsResponse,
      0,
      { clientInstanceId: idA },
    );
    expect(response).toMatchObject({ errorCode: 0, clientInstanceId: idA, requestedMetrics: [] });
  });
});
