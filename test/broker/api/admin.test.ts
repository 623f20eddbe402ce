import { describe, expect, test } from 'vitest';
import {
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from '../../../src/protocol/messages/configs/74-list-config-resources.ts';
import { nodeId } from '../../../src/base/ids.ts';
import { record } from '../../../src/metadata/records.ts';
import { Errors, errorOf, KafkaError } from '../../../src/protocol/errors.ts';
import {
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../../src/protocol/messages/records/02-list-offsets.ts';
import {
  DeleteRecordsRequest,
  DeleteRecordsResponse,
} from '../../../src/protocol/messages/records/21-delete-records.ts';
import {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '../../../src/protocol/messages/records/23-offset-for-leader-epoch.ts';
import {
  DescribeConfigsRequest,
  DescribeConfigsResponse,
} from '../../../src/protocol/messages/configs/32-describe-configs.ts';
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '../../../src/protocol/messages/log-directories/34-alter-replica-log-dirs.ts';
import {
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
} from '../../../src/protocol/messages/log-directories/35-describe-log-dirs.ts';
import {
  DescribeQuorumRequest,
  DescribeQuorumResponse,
} from '../../../src/protocol/messages/quorum/55-describe-quorum.ts';
import {
  DescribeProducersRequest,
  DescribeProducersResponse,
} from '../../../src/protocol/messages/records/61-describe-producers.ts';
import {
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
} from '../../../src/protocol/messages/security/36-sasl-authenticate.ts';
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '../../../src/protocol/messages/telemetry/71-get-telemetry-subscriptions.ts';
import { batchOf, brokerRecord, idA, TestBroker } from '../harness.ts';

describe('ListOffsets', () => {
  async function look(
    broker: TestBroker,
    version: number,
    timestamp: number,
    options: { isolationLevel?: number; topic?: string; index?: number; replicaId?: number } = {},
  ) {
    const { isolationLevel = 0, topic = 'a', index = 0, replicaId = -1 } = options;
    const response = await broker.inject(ListOffsetsRequest, ListOffsetsResponse, version, {
      replicaId,
      isolationLevel,
      topics: [{ name: topic, partitions: [{ partitionIndex: index, timestamp }] }],
    });
    return response.topics[0]?.partitions[0];
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])(
    'v%i finds offsets by timestamp and by the special timestamps',
    async (version) => {
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
    },
  );

  test('the latest offset is the log end offset for debugging consumers and replicas', async () => {
    const broker = new TestBroker();
    const replica = broker.replica(idA, 0);
    for (let i = 0; i < 3; i++) replica.appendAsLeader(batchOf(), 1);
    replica.highWatermark = 2;
    replica.lastStableOffset = 1;
    const latest = async (replicaId: number, isolationLevel: number) =>
      (await look(broker, 11, -1, { replicaId, isolationLevel }))?.offset;
    expect([await latest(-1, 0), await latest(-1, 1)]).toEqual([2, 1]);
    expect([await latest(-2, 0), await latest(-2, 1), await latest(2, 0)]).toEqual([3, 3, 3]);
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

  test('raises the log start offset; refuses unknown partitions, internal and compacted topics, and offsets beyond the high watermark', async () => {
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

  test.each([1, 2, 3, 4])('v%i describes a topic', async (version) => {
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

  test('describes this broker and the cluster defaults, and refuses the id of another broker', async () => {
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

  test('describes groups, client metrics and loggers, and refuses unknown topics, invalid names and unknown types', async () => {
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

describe('other admin requests', () => {
  test('DescribeLogDirs lists the directories with their replicas and sizes', async () => {
    const broker = new TestBroker();
    broker.directories.push(
      {
        path: '/data',
        offline: false,
        isCordoned: true,
        totalBytes: 100,
        usableBytes: 40,
        logs: [
          { topic: 'a', index: 0, sizeBytes: 5, offsetLag: 0, isFuture: false },
          { topic: 'a', index: 1, sizeBytes: 6, offsetLag: 0, isFuture: false },
          { topic: 'b', index: 0, sizeBytes: 7, offsetLag: 0, isFuture: false },
        ],
      },
      { path: '/broken', offline: true, isCordoned: false, totalBytes: -1, usableBytes: -1, logs: [] },
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

  test('AlterReplicaLogDirs: each replica is moved or refused on its own', async () => {
    const broker = new TestBroker();
    const ask = async (...names: string[]) => {
      const { results } = await broker.inject(AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, 2, {
        dirs: [{ path: '/two', topics: names.map((name) => ({ name, partitions: [0, 1] })) }],
      });
      return results.map(({ partitions }) => partitions.map(({ errorCode }) => errorOf(errorCode).name));
    };
    expect(await ask('a')).toEqual([['NONE', 'NONE']]);
    expect(broker.moves).toEqual(['a-0 to /two', 'a-1 to /two']);
    broker.moveError = Errors.LOG_DIR_NOT_FOUND;
    const long = 'x'.repeat(214);
    expect(await ask('a', long)).toEqual([
      ['LOG_DIR_NOT_FOUND', 'LOG_DIR_NOT_FOUND'],
      ['INVALID_TOPIC_EXCEPTION', 'INVALID_TOPIC_EXCEPTION'],
    ]);
  });

  test('OffsetForLeaderEpoch returns the end offset of an epoch', async () => {
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

  test('DescribeProducers lists producers by partition, and refuses an unknown partition', async () => {
    const broker = new TestBroker();
    const response = await broker.inject(DescribeProducersRequest, DescribeProducersResponse, 0, {
      topics: [{ name: 'a', partitionIndexes: [0, 9] }],
    });
    expect(response.topics[0]?.partitions).toMatchObject([
      { errorCode: 0, activeProducers: [] },
      { errorCode: 3 },
    ]);
  });

  test("DescribeQuorum is answered by the quorum's leader and forwarded by other nodes", async () => {
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

  test('GetTelemetrySubscriptions requests no metrics when there is no subscription', async () => {
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

test('SaslAuthenticate is refused on a listener without SASL', async () => {
  const broker = new TestBroker();
  const body = { authBytes: Buffer.from('nobody') };
  expect(await broker.inject(SaslAuthenticateRequest, SaslAuthenticateResponse, 2, body)).toMatchObject({
    errorCode: Errors.ILLEGAL_SASL_STATE.code,
    errorMessage: 'SaslAuthenticate request received after successful authentication',
  });
});

describe('ListConfigResources', () => {
  test('v0 lists client metrics, v1 the requested types', async () => {
    const broker = new TestBroker();
    broker.apply([
      record('ConfigRecord', { resourceType: 16, resourceName: 'm', name: 'interval.ms', value: '1000' }),
      record('ConfigRecord', {
        resourceType: 32,
        resourceName: 'g',
        name: 'share.session.timeout.ms',
        value: '1000',
      }),
    ]);
    const ask = async (version: number, resourceTypes: number[]) => {
      const response = await broker.inject(ListConfigResourcesRequest, ListConfigResourcesResponse, version, {
        resourceTypes,
      });
      return response.configResources.map((one) => `${one.resourceType}:${one.resourceName}`);
    };
    expect(await ask(0, [])).toEqual(['16:m']);
    expect(await ask(1, [32])).toEqual(['32:g']);
    expect((await ask(1, [])).sort()).toEqual(['16:m', '2:a', '2:b', '32:g', '4:1', '4:2', '8:1', '8:2']);
  });
});
