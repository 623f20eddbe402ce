import { describe, expect, test } from 'vitest';
import { nodeId } from '../../../src/base/ids.ts';
import { record } from '../../../src/metadata/records.ts';
import { MetadataRequest, MetadataResponse } from '../../../src/protocol/messages/cluster/03-metadata.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../../src/protocol/messages/topics/19-create-topics.ts';
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from '../../../src/protocol/messages/cluster/75-describe-topic-partitions.ts';
import {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../../src/protocol/messages/cluster/60-describe-cluster.ts';
import { brokerRecord, frame, idA, idB, readResponse, settle, TestBroker, topicRecords } from '../harness.ts';

const idC = 'AAAAAAAAAAAAAAAAAAACew';
const none = { allowAutoTopicCreation: false };

describe('Metadata', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])('v%i describes one topic', async (version) => {
    const broker = new TestBroker();
    const body = { topics: [{ name: 'a' }], ...(version >= 4 ? none : {}) };
    const response = await broker.inject(MetadataRequest, MetadataResponse, version, body);
    expect(response.topics).toMatchObject([{ errorCode: 0, name: 'a', isInternal: false }]);
    expect(response.topics[0]?.partitions).toMatchObject(
      [0, 1, 2].map((partitionIndex) => ({ partitionIndex, leaderId: 1, replicaNodes: [1, 2] })),
    );
    expect(response.brokers.map(({ nodeId: id }) => id)).toEqual([1, 2]);
    if (version >= 1) expect(response.controllerId).toBe(1);
    if (version >= 2) expect(response.clusterId).toBe('test-cluster');
    if (version >= 10) expect(response.topics[0]?.topicId).toBe(idA);
  });

  test.each([10, 11])(
    'v%i: a null name, and a topic id in these versions, is refused with an empty name',
    async (version) => {
      const broker = new TestBroker();
      const topics = [{ name: 'a' }, { name: null, topicId: idA }];
      const response = await broker.inject(MetadataRequest, MetadataResponse, version, { topics, ...none });
      expect(response.topics).toMatchObject([
        { errorCode: 42, name: 'a' },
        { errorCode: 42, name: '', topicId: idA },
      ]);
    },
  );

  test('a null list asks for all topics; an empty list for all in v0 and for none later', async () => {
    const broker = new TestBroker();
    const names = async (version: number, topics: null | []) =>
      (await broker.inject(MetadataRequest, MetadataResponse, version, { topics })).topics
        .map(({ name }) => name)
        .sort();
    expect(await names(0, [])).toEqual(['a', 'b']);
    expect(await names(1, [])).toEqual([]);
    expect(await names(1, null)).toEqual(['a', 'b']);
    expect(await names(12, null)).toEqual(['a', 'b']);
  });

  test('all topics of a large cluster are described in slices of 5 ms', async () => {
    const broker = new TestBroker();
    let slices = 0;
    // A clock that advances by 1 ms at each reading, so that a slice has room for five topics.
    broker.time.monotonicMs = () => broker.time.nowMs++;
    broker.time.soon = (callback) => {
      slices++;
      queueMicrotask(callback);
    };
    const idOf = (index: number) => `AAAAAAAAAAAAAAAAA${String(index).padStart(4, 'A')}w`;
    for (let index = 10; index < 24; index++) broker.apply(topicRecords(`topic-${index}`, idOf(index), 1));
    slices = 0;
    const { topics } = await broker.inject(MetadataRequest, MetadataResponse, 12, { topics: null });
    expect(topics).toHaveLength(16);
    expect(slices).toBeGreaterThanOrEqual(2);
  });

  test('the only broker has the address at which the client reached it, unless advertised.listeners is set', async () => {
    const ask = async (properties: string) => {
      const broker = new TestBroker({ properties, records: [brokerRecord(1)] });
      return (await broker.inject(MetadataRequest, MetadataResponse, 12, { topics: [] })).brokers;
    };
    expect(await ask('')).toMatchObject([{ nodeId: 1, host: '127.0.0.1', port: 9092 }]);
    const advertised = await ask('advertised.listeners=PLAINTEXT://host1:9091');
    expect(advertised).toMatchObject([{ nodeId: 1, host: 'host1', port: 9091 }]);
  });

  test('with several brokers, fenced ones included, each broker has the address that all brokers give', async () => {
    const ask = async (fenced: boolean) => {
      const broker = new TestBroker({ records: [brokerRecord(1), brokerRecord(2, fenced)] });
      return (await broker.inject(MetadataRequest, MetadataResponse, 12, { topics: [] })).brokers;
    };
    expect(await ask(false)).toMatchObject([
      { nodeId: 1, host: 'host1', port: 9091 },
      { nodeId: 2, host: 'host2' },
    ]);
    expect(await ask(true)).toMatchObject([{ nodeId: 1, host: 'host1', port: 9091 }]);
  });

  test('fenced brokers are not listed as brokers, but as replicas', async () => {
    const broker = new TestBroker({
      records: [brokerRecord(1), brokerRecord(2, true), ...topicRecords('a', idA, 1, 2)],
    });
    broker.quorum = { ...broker.quorum, leaderId: nodeId(9) };
    const response = await broker.inject(MetadataRequest, MetadataResponse, 12, { topics: null });
    expect(response.brokers.map(({ nodeId: id }) => id)).toEqual([1]);
    expect(response.controllerId).toBe(1);
    expect(response.topics[0]?.partitions[0]).toMatchObject({
      errorCode: 5,
      leaderId: -1,
      leaderEpoch: 5,
      replicaNodes: [1, 2],
      isrNodes: [1, 2],
      offlineReplicas: [2],
    });
  });

  test('a leader without the listener is LISTENER_NOT_FOUND, before v6 LEADER_NOT_AVAILABLE', async () => {
    const broker = new TestBroker({ records: [brokerRecord(1), ...topicRecords('a', idA, 1, 3)] });
    broker.apply([
      record('RegisterBrokerRecord', {
        brokerId: 3,
        incarnationId: idB,
        brokerEpoch: 1,
        endPoints: [],
        features: [],
        rack: null,
        fenced: false,
        logDirs: [],
      }),
    ]);
    const code = async (version: number) =>
      (await broker.inject(MetadataRequest, MetadataResponse, version, { topics: null })).topics[0]
        ?.partitions[0]?.errorCode;
    expect(await code(5)).toBe(5);
    expect(await code(6)).toBe(72);
  });

  test('unknown names, invalid names and unknown ids are refused', async () => {
    const broker = new TestBroker();
    const response = await broker.inject(MetadataRequest, MetadataResponse, 12, {
      topics: [
        { name: 'nope' },
        { name: 'a/b' },
        { name: null, topicId: idC },
        // In the form in which Kafka's own client sends it.
        { name: '', topicId: idB },
        { name: null },
        { name: 'a' },
        { name: 'a' },
      ],
      ...none,
    });
    expect(response.topics.map(({ errorCode, name }) => [errorCode, name])).toEqual([
      [3, 'nope'],
      [17, 'a/b'],
      [100, null],
      [0, 'b'],
      [42, ''],
      [0, 'a'],
    ]);
  });

  test('authorised operations are returned only when the request asks for them', async () => {
    const broker = new TestBroker();
    const plain = await broker.inject(MetadataRequest, MetadataResponse, 8, { topics: [{ name: 'a' }] });
    expect([plain.topics[0]?.topicAuthorizedOperations, plain.clusterAuthorizedOperations]).toEqual([
      -2147483648, -2147483648,
    ]);
    const asked = await broker.inject(MetadataRequest, MetadataResponse, 8, {
      topics: [{ name: 'a' }],
      includeTopicAuthorizedOperations: true,
      includeClusterAuthorizedOperations: true,
    });
    expect([asked.topics[0]?.topicAuthorizedOperations, asked.clusterAuthorizedOperations]).toEqual([
      3576, 8096,
    ]);
  });
});

describe('automatic topic creation', () => {
  function creating(broker: TestBroker): void {
    broker.controller.on(CreateTopicsRequest, CreateTopicsResponse, ({ topics }) => {
      for (const { name } of topics) broker.apply(topicRecords(name, idC, 1));
      return { topics: topics.map(({ name }) => ({ name, errorCode: 0, errorMessage: null, configs: [] })) };
    });
  }

  test('creates the topic before the response, which contains it', async () => {
    const broker = new TestBroker({ properties: 'num.partitions=4\ndefault.replication.factor=2' });
    creating(broker);
    const response = await broker.inject(MetadataRequest, MetadataResponse, 12, {
      topics: [{ name: 'new' }, { name: 'a' }],
    });
    expect(response.topics.map(({ errorCode, name }) => [errorCode, name])).toEqual([
      [0, 'new'],
      [0, 'a'],
    ]);
    expect(broker.controller.requests[0]?.body).toMatchObject({
      topics: [{ name: 'new', numPartitions: 4, replicationFactor: 2 }],
    });
  });

  test("leaves values that the broker's file does not set to the controller (KIP-1211)", async () => {
    const broker = new TestBroker({ properties: 'num.partitions=4' });
    creating(broker);
    await broker.inject(MetadataRequest, MetadataResponse, 12, { topics: [{ name: 'new' }] });
    expect(broker.controller.requests[0]?.body).toMatchObject({
      topics: [{ name: 'new', numPartitions: 4, replicationFactor: -1 }],
    });
  });

  test('sends one CreateTopics request for concurrent Metadata requests of one topic', async () => {
    const broker = new TestBroker();
    creating(broker);
    const body = { topics: [{ name: 'new' }] };
    await Promise.all([1, 2, 3].map(() => broker.inject(MetadataRequest, MetadataResponse, 12, body)));
    expect(broker.controller.requests.length).toBe(1);
  });

  test.each([
    ['the request forbids it', '', false],
    ['the broker forbids it', 'auto.create.topics.enable=false', true],
  ])('does not happen when %s', async (_name, properties, allowAutoTopicCreation) => {
    const broker = new TestBroker({ properties });
    const response = await broker.inject(MetadataRequest, MetadataResponse, 12, {
      topics: [{ name: 'new' }],
      allowAutoTopicCreation,
    });
    expect(response.topics[0]?.errorCode).toBe(3);
    expect(broker.controller.requests).toEqual([]);
  });

  test("answers with the controller's refusal, and after a second without the topic when it is not there yet", async () => {
    const broker = new TestBroker();
    const body = { topics: [{ name: 'new' }] };
    expect((await broker.inject(MetadataRequest, MetadataResponse, 12, body)).topics[0]?.errorCode).toBe(3);
    broker.controller.on(CreateTopicsRequest, CreateTopicsResponse, () => ({
      topics: [{ name: 'new', errorCode: 38, errorMessage: 'no', configs: [] }],
    }));
    expect((await broker.inject(MetadataRequest, MetadataResponse, 12, body)).topics[0]?.errorCode).toBe(38);
    broker.controller.on(CreateTopicsRequest, CreateTopicsResponse, () => ({
      topics: [{ name: 'new', errorCode: 0, errorMessage: null, configs: [] }],
    }));
    const connection = broker.connect();
    connection.feed(frame(MetadataRequest, 12, body));
    await settle();
    expect(connection.frames()).toEqual([]);
    await broker.time.advance(1_000);
    expect(
      readResponse(MetadataResponse, 12, connection.frames()[0] as Uint8Array).body.topics[0]?.errorCode,
    ).toBe(3);
  });
});

describe('DescribeTopicPartitions', () => {
  test('returns pages of responsePartitionLimit partitions with a cursor', async () => {
    const broker = new TestBroker();
    const pages: string[][] = [];
    let cursor: { topicName: string; partitionIndex: number } | null = null;
    for (let i = 0; i < 5; i++) {
      const response: Awaited<ReturnType<typeof ask>> = await ask(cursor);
      pages.push(
        response.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex }) => `${name}${partitionIndex}`),
        ),
      );
      cursor = response.nextCursor;
      if (cursor === null) break;
    }
    expect(pages).toEqual([
      ['a0', 'a1'],
      ['a2', 'b0'],
    ]);
    function ask(from: typeof cursor) {
      return broker.inject(DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, 0, {
        topics: [],
        responsePartitionLimit: 2,
        cursor: from,
      });
    }
  });

  test('returns named topics in order, unknown and invalid ones with their errors', async () => {
    const broker = new TestBroker();
    const response = await broker.inject(DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, 0, {
      topics: [{ name: 'nope' }, { name: 'b' }, { name: '..' }],
    });
    expect(response.topics.map(({ errorCode, name }) => [errorCode, name])).toEqual([
      [17, '..'],
      [0, 'b'],
      [3, 'nope'],
    ]);
    expect(response.topics[1]?.partitions[0]).toMatchObject({
      leaderId: 1,
      isrNodes: [1, 2],
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    });
  });
});

describe('DescribeCluster', () => {
  test('lists the brokers, and fenced ones when the request asks for them', async () => {
    const broker = new TestBroker({ records: [brokerRecord(1), brokerRecord(2, true)] });
    const ask = async (version: number, includeFencedBrokers: boolean) =>
      broker.inject(DescribeClusterRequest, DescribeClusterResponse, version, {
        includeClusterAuthorizedOperations: true,
        includeFencedBrokers,
      });
    const plain = await ask(0, false);
    expect(plain).toMatchObject({
      errorCode: 0,
      clusterId: 'test-cluster',
      controllerId: 1,
      clusterAuthorizedOperations: 8096,
    });
    expect(plain.brokers).toMatchObject([{ brokerId: 1, host: 'host1', port: 9091 }]);
    expect((await ask(2, true)).brokers).toMatchObject([
      { isFenced: false },
      { brokerId: 2, isFenced: true },
    ]);
  });

  test('names an unfenced broker as controller, as Metadata responses do', async () => {
    const broker = new TestBroker({ records: [brokerRecord(1), brokerRecord(2, true)] });
    broker.quorum = { ...broker.quorum, leaderId: nodeId(2) };
    const described = await broker.inject(DescribeClusterRequest, DescribeClusterResponse, 2, {
      includeClusterAuthorizedOperations: false,
      includeFencedBrokers: true,
    });
    expect(described).toMatchObject({ controllerId: 1, brokers: [{ brokerId: 1 }, { brokerId: 2 }] });
  });

  test('lists controllers on a controller listener, and refuses the endpoint type of the other kind of listener', async () => {
    const broker = new TestBroker();
    const voter = { id: nodeId(1), directoryId: idA, logEndOffset: 1, lastFetchMs: 1, lastCaughtUpMs: 1 };
    broker.quorum = {
      ...broker.quorum,
      voters: [{ ...voter, endpoints: [{ name: 'CONTROLLER', host: 'c1', port: 9093 }] }],
    };
    const ask = (kind: 'broker' | 'controller', endpointType: number) =>
      broker.inject(
        DescribeClusterRequest,
        DescribeClusterResponse,
        1,
        { includeClusterAuthorizedOperations: false, endpointType, includeFencedBrokers: false },
        { kind },
      );
    expect(await ask('controller', 2)).toMatchObject({
      errorCode: 0,
      endpointType: 2,
      controllerId: 1,
      brokers: [{ brokerId: 1, host: 'c1', port: 9093 }],
    });
    expect(await ask('controller', 1)).toMatchObject({ errorCode: 114 });
    expect(await ask('broker', 2)).toMatchObject({ errorCode: 114 });
    expect(await ask('broker', 7)).toMatchObject({ errorCode: 115 });
  });
});
