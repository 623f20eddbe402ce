import { describe, expect, test } from 'vitest';
import { uuidZero } from '../../../src/base/uuid.ts';
import { record } from '../../../src/metadata/records.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../../src/protocol/messages/topics/19-create-topics.ts';
import {
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from '../../../src/protocol/messages/topics/20-delete-topics.ts';
import {
  AlterConfigsRequest,
  AlterConfigsResponse,
} from '../../../src/protocol/messages/configs/33-alter-configs.ts';
import {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
} from '../../../src/protocol/messages/topics/37-create-partitions.ts';
import {
  ElectLeadersRequest,
  ElectLeadersResponse,
} from '../../../src/protocol/messages/topics/43-elect-leaders.ts';
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../../../src/protocol/messages/configs/44-incremental-alter-configs.ts';
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../../../src/protocol/messages/topics/46-list-partition-reassignments.ts';
import {
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../../../src/protocol/messages/cluster/57-update-features.ts';
import {
  UnregisterBrokerRequest,
  UnregisterBrokerResponse,
} from '../../../src/protocol/messages/cluster/64-unregister-broker.ts';
import { frame, idA, settle, TestBroker, topicRecords } from '../harness.ts';

const idC = 'AAAAAAAAAAAAAAAAAAACew';

const newTopic = { name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };

describe('forwarded requests', () => {
  test.each([2, 3, 4, 5, 6, 7])(
    'CreateTopics v%i is answered when the metadata of this broker contain the topic',
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

  test('CreateTopics waits for the topic for at most a second, and not at all with validateOnly', async () => {
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

  test('DeleteTopics is answered when the topic is gone, even if another one has its name by then', async () => {
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

  test('without a controller each entry of a response has REQUEST_TIMED_OUT', async () => {
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

  test('UnregisterBroker and CreatePartitions are answered when the metadata of this broker show the change', async () => {
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

  test('a request waits for the controller as long as its client says, and at most deadlineMsMax', async () => {
    const deadlineMsMax = 60_000;
    const broker = new TestBroker();
    for (const timeoutMs of [10, deadlineMsMax, deadlineMsMax + 1, 2 ** 31 - 1, 0, -1]) {
      const topics = [{ name: 'a', count: 4, assignments: null }];
      await broker.inject(CreatePartitionsRequest, CreatePartitionsResponse, 3, {
        topics,
        timeoutMs,
        validateOnly: false,
      });
    }
    expect(broker.controller.requests.map(({ deadlineMs }) => deadlineMs)).toEqual([
      10,
      deadlineMsMax,
      deadlineMsMax,
      deadlineMsMax,
      null,
      null,
    ]);
  });

  const policy = { resourceType: 2, resourceName: 'a', name: 'cleanup.policy' };
  test.each([
    { operation: 'SET', code: 0, value: 'compact', after: 'compact' },
    { operation: 'DELETE', code: 1, value: null, after: null },
    { operation: 'APPEND', code: 2, value: 'compact', after: 'delete,compact' },
    { operation: 'SUBTRACT', code: 3, value: 'delete', after: '' },
  ])(
    'IncrementalAlterConfigs with $operation is answered when the metadata of this broker have the change',
    async ({ code, value, after }) => {
      const broker = new TestBroker();
      broker.apply([record('ConfigRecord', { ...policy, value: 'delete' })]);
      broker.controller.on(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, () => ({
        responses: [{ errorCode: 0, errorMessage: null, resourceType: 2, resourceName: 'a' }],
      }));
      const connection = broker.connect();
      const configs = [{ name: policy.name, configOperation: code, value }];
      const request = { resources: [{ resourceType: 2, resourceName: 'a', configs }], validateOnly: false };
      connection.feed(frame(IncrementalAlterConfigsRequest, 1, request));
      await settle();
      broker.apply([record('ConfigRecord', { ...policy, name: 'retention.ms', value: '7' })]);
      await settle();
      expect(connection.frames().length).toBe(0);
      broker.apply([record('ConfigRecord', { ...policy, value: after })]);
      await settle();
      expect(connection.frames().length).toBe(1);
      connection.feed(frame(IncrementalAlterConfigsRequest, 1, request));
      await settle();
      expect(connection.frames().length).toBe(2);
    },
  );

  test('IncrementalAlterConfigs forwards topics to the controller, and answers for the loggers of this broker itself', async () => {
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
      [8, 40],
    ]);
  });
});
