/**
 * Transactions: requests through the whole pipeline as bytes, in the lowest and the highest versions; and markers to fake
 * brokers.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Clock, Scheduler } from '../../../src/base/clock.ts';
import { nodeId } from '../../../src/base/ids.ts';
import { Endpoints } from '../../../src/broker/api/endpoints.ts';
import { createFindCoordinatorHandler, keyType } from '../../../src/broker/api/groups/10-find-coordinator.ts';
import { createTxnHandlers } from '../../../src/broker/api/transactions/txn-handlers.ts';
import { CoordinatorFinder } from '../../../src/broker/coordinator/coordinator-finder.ts';
import type { Leadership } from '../../../src/broker/coordinator/runtime.ts';
import { ImageWatch } from '../../../src/broker/image-watch.ts';
import { ProducerIds } from '../../../src/broker/producer-ids.ts';
import { TopicCreator } from '../../../src/broker/topic-creator.ts';
import { TxnService } from '../../../src/broker/txn/txn-service.ts';
import { NodeConfig } from '../../../src/config/node-config.ts';
import { coordinatorPartition } from '../../../src/coordinator/coordinator-partition.ts';
import type { ControllerClient } from '../../../src/metadata/controller-port.ts';
import { record } from '../../../src/metadata/records.ts';
import { errorOf } from '../../../src/protocol/errors.ts';
import {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../../../src/protocol/messages/groups/10-find-coordinator.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../../src/protocol/messages/topics/19-create-topics.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../../src/protocol/messages/transactions/22-init-producer-id.ts';
import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from '../../../src/protocol/messages/transactions/24-add-partitions-to-txn.ts';
import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
} from '../../../src/protocol/messages/transactions/25-add-offsets-to-txn.ts';
import { EndTxnRequest, EndTxnResponse } from '../../../src/protocol/messages/transactions/26-end-txn.ts';
import {
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '../../../src/protocol/messages/transactions/27-write-txn-markers.ts';
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '../../../src/protocol/messages/transactions/65-describe-transactions.ts';
import {
  ListTransactionsRequest,
  ListTransactionsResponse,
} from '../../../src/protocol/messages/transactions/66-list-transactions.ts';
import {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from '../../../src/protocol/messages/brokers/67-allocate-producer-ids.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { MemoryLog, MemoryReplica } from '../coordinator/memory-replica.ts';
import { FakeBrokers } from '../fakes.ts';
import { brokerRecord, idA, settle, TestBroker, topicRecords } from '../harness.ts';

const stateTopic = '__transaction_state';
const stateId = 'AAAAAAAAAAAAAAAAAAABCg';
const offsetsId = 'AAAAAAAAAAAAAAAAAAABCw';
const partitionCount = 3;
const properties = `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=/nowhere
`;
const name = (code: number) => errorOf(code).name;

/** All brokers write markers at once. */
function writesMarkers(brokers: FakeBrokers): void {
  brokers.on(WriteTxnMarkersRequest, WriteTxnMarkersResponse, ({ markers }) => ({
    markers: markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map((topic) => ({
        name: topic.name,
        partitions: topic.partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: 0 })),
      })),
    })),
  }));
}

/** The table of handlers is made before the broker; handlers get the parts of the broker that they need when they run. */
class TxnBroker {
  readonly replicas = Array.from(
    { length: partitionCount },
    (_, i) => new MemoryReplica(new MemoryLog(), stateId, i, stateTopic),
  );
  readonly broker: TestBroker;
  readonly txn: TxnService;
  readonly brokers = new FakeBrokers();
  readonly #watchers: ((change: Leadership) => void)[] = [];

  constructor() {
    const time: Clock & Scheduler = {
      monotonicMs: () => this.broker.time.monotonicMs(),
      wallMs: () => this.broker.time.wallMs(),
      after: (delayMs, callback) => this.broker.time.after(delayMs, callback),
      soon: (callback) => this.broker.time.soon(callback),
    };
    const metadata = () => this.broker.image;
    const config = NodeConfig.parse(properties);
    const controller: ControllerClient = {
      send: () => this.broker.controller.send(),
      request: (request, response, version, init) =>
        this.broker.controller.request(request, response, version, init),
    };
    const producerIds = new ProducerIds(
      nodeId(1),
      () => metadata().cluster.brokers.get(nodeId(1))?.epoch,
      controller,
    );
    this.txn = new TxnService({
      config,
      replicas: {
        partitions: () => this.replicas,
        watchLeadership: (callback) => {
          this.#watchers.push(callback);
          return () => undefined;
        },
      },
      producerIds,
      brokers: this.brokers,
      offsets: { topic: '__consumer_offsets', partitionOf: (groupId) => coordinatorPartition(groupId, 50) },
      metadata,
      clock: time,
      scheduler: time,
      logger: silentLogger,
    });
    const imageWatch = new ImageWatch(metadata, time);
    const creator = new TopicCreator({ config, controller, imageWatch, logger: silentLogger });
    const finder = new CoordinatorFinder(this.txn, new Endpoints(nodeId(1), true), creator);
    const handlers = [
      ...createTxnHandlers(this.txn, producerIds),
      createFindCoordinatorHandler(new Map([[keyType.transaction, finder]])),
    ];
    const records = [
      brokerRecord(1),
      brokerRecord(2),
      ...topicRecords('a', idA, 3),
      record('FeatureLevelRecord', { name: 'transaction.version', featureLevel: 2 }),
    ];
    this.broker = new TestBroker({ handlers, records });
    this.broker.controller.on(AllocateProducerIdsRequest, AllocateProducerIdsResponse, () => ({
      errorCode: 0,
      producerIdStart: 100,
      producerIdLen: 1_000,
    }));
    writesMarkers(this.brokers);
  }

  /** Creates the topic. This broker leads its partitions. */
  async lead(): Promise<void> {
    this.broker.apply(topicRecords(stateTopic, stateId, partitionCount));
    this.txn.start();
    await settle(100);
  }

  async changeLeader(isLeader: boolean): Promise<void> {
    for (const partition of this.replicas) {
      partition.isLeader = isLeader;
      for (const watcher of this.#watchers) watcher({ partition, isLeader });
    }
    await settle(100);
  }

  init(
    version: number,
    body: { transactionalId: string | null; producerId?: number; producerEpoch?: number },
  ) {
    const request = { transactionTimeoutMs: 60_000, ...body };
    return this.broker.inject(InitProducerIdRequest, InitProducerIdResponse, version, request);
  }

  async add(version: number, who: Who, ...names: string[]): Promise<Record<string, string>> {
    const response = await this.broker.inject(
      AddPartitionsToTxnRequest,
      AddPartitionsToTxnResponse,
      version,
      {
        transactions: [],
        v3AndBelowTransactionalId: who.transactionalId,
        v3AndBelowProducerId: who.producerId,
        v3AndBelowProducerEpoch: who.producerEpoch,
        v3AndBelowTopics: topicsOf(names),
      },
    );
    return errorsOf(response.resultsByTopicV3AndBelow);
  }

  async addFromBroker(version: number, verifyOnly: boolean, who: Who, ...names: string[]) {
    const response = await this.broker.inject(
      AddPartitionsToTxnRequest,
      AddPartitionsToTxnResponse,
      version,
      {
        transactions: [{ ...who, verifyOnly, topics: topicsOf(names) }],
        v3AndBelowTransactionalId: '',
        v3AndBelowProducerId: 0,
        v3AndBelowProducerEpoch: 0,
        v3AndBelowTopics: [],
      },
    );
    expect(response.resultsByTransaction.map((one) => one.transactionalId)).toEqual([who.transactionalId]);
    return errorsOf(response.resultsByTransaction[0]?.topicResults ?? []);
  }

  end(version: number, who: Who, committed: boolean) {
    return this.broker.inject(EndTxnRequest, EndTxnResponse, version, { ...who, committed });
  }

  async describe(transactionalId: string) {
    const response = await this.broker.inject(DescribeTransactionsRequest, DescribeTransactionsResponse, 0, {
      transactionalIds: [transactionalId],
    });
    return response.transactionStates[0];
  }
}

interface Who {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
}

function topicsOf(names: readonly string[]) {
  const split = names.map(
    (one) => [one.slice(0, one.lastIndexOf('-')), Number(one.split('-').at(-1))] as const,
  );
  return [...new Set(split.map(([topic]) => topic))].map((topic) => ({
    name: topic,
    partitions: split.filter(([other]) => other === topic).map(([, partition]) => partition),
  }));
}

function errorsOf(
  topics: readonly {
    name: string;
    resultsByPartition: readonly { partitionIndex: number; partitionErrorCode: number }[];
  }[],
): Record<string, string> {
  return Object.fromEntries(
    topics.flatMap((topic) =>
      topic.resultsByPartition.map((one) => [
        `${topic.name}-${one.partitionIndex}`,
        name(one.partitionErrorCode),
      ]),
    ),
  );
}

let cluster: TxnBroker;
const t: Who = { transactionalId: 't', producerId: 100, producerEpoch: 0 };

beforeEach(async () => {
  cluster = new TxnBroker();
  await cluster.lead();
});

describe('InitProducerId', () => {
  test('without transactional id returns ids from a block, and requests the next block before the last id', async () => {
    let start = 100;
    cluster.broker.controller.on(
      AllocateProducerIdsRequest,
      AllocateProducerIdsResponse,
      ({ brokerEpoch }) => {
        expect(brokerEpoch).toBe(10);
        const producerIdStart = start;
        start += 1_000;
        return { errorCode: 0, producerIdStart, producerIdLen: 10 };
      },
    );
    const ids: number[] = [];
    for (let i = 0; i < 12; i++) {
      const response = await cluster.init(i % 6, { transactionalId: null });
      expect(response).toMatchObject({ errorCode: 0, producerEpoch: 0 });
      ids.push(response.producerId);
    }
    expect(ids).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 1100, 1101]);
    expect(cluster.broker.controller.requests.length).toBe(2);
  });

  test('without a controller is answered with an error that clients retry', async () => {
    cluster.broker.controller.answers.clear();
    for (const transactionalId of [null, 't'])
      expect(name((await cluster.init(4, { transactionalId })).errorCode)).toBe(
        'COORDINATOR_LOAD_IN_PROGRESS',
      );
  });

  test.each([0, 3, 4, 5])('v%i returns only error codes that the version has', async (version) => {
    expect(await cluster.init(version, { transactionalId: 't' })).toMatchObject({
      errorCode: 0,
      producerId: 100,
      producerEpoch: 0,
    });
    expect(name((await cluster.init(version, { transactionalId: '' })).errorCode)).toBe('INVALID_REQUEST');
    if (version < 3) return;
    const half = await cluster.init(version, { transactionalId: null, producerId: 5 });
    expect(name(half.errorCode)).toBe('INVALID_REQUEST');
    const stranger = await cluster.init(version, { transactionalId: 't', producerId: 7, producerEpoch: 1 });
    expect(name(stranger.errorCode)).toBe(version < 4 ? 'INVALID_PRODUCER_EPOCH' : 'PRODUCER_FENCED');
  });

  test('refuses an invalid time-out on every broker', async () => {
    await cluster.changeLeader(false);
    const response = await cluster.broker.inject(InitProducerIdRequest, InitProducerIdResponse, 5, {
      transactionalId: 't',
      transactionTimeoutMs: 900_001,
    });
    expect(name(response.errorCode)).toBe('INVALID_TRANSACTION_TIMEOUT');
    expect(name((await cluster.init(5, { transactionalId: 't' })).errorCode)).toBe('NOT_COORDINATOR');
  });
});

describe('AddPartitionsToTxn', () => {
  test.each([0, 1, 2, 3])('v%i from a client adds partitions', async (version) => {
    await cluster.init(5, { transactionalId: 't' });
    expect(await cluster.add(version, t, 'a-0', 'a-2')).toEqual({ 'a-0': 'NONE', 'a-2': 'NONE' });
    const fenced = version < 2 ? 'INVALID_PRODUCER_EPOCH' : 'PRODUCER_FENCED';
    expect(await cluster.add(version, { ...t, producerEpoch: 9 }, 'a-0')).toEqual({ 'a-0': fenced });
    expect(await cluster.add(version, { ...t, transactionalId: '' }, 'a-0')).toEqual({
      'a-0': 'INVALID_REQUEST',
    });
  });

  test('adds no partition when one of them does not exist', async () => {
    await cluster.init(5, { transactionalId: 't' });
    expect(await cluster.add(3, t, 'a-0', 'a-9', 'b-0', '__consumer_offsets-0')).toEqual({
      'a-0': 'OPERATION_NOT_ATTEMPTED',
      'a-9': 'UNKNOWN_TOPIC_OR_PARTITION',
      'b-0': 'UNKNOWN_TOPIC_OR_PARTITION',
      '__consumer_offsets-0': 'TOPIC_AUTHORIZATION_FAILED',
    });
    expect((await cluster.describe('t'))?.transactionState).toBe('Empty');
  });

  test.each([4, 5])('v%i from a broker adds and verifies partitions', async (version) => {
    cluster.broker.apply(topicRecords('__consumer_offsets', offsetsId, 1));
    await cluster.init(5, { transactionalId: 't' });
    expect(await cluster.addFromBroker(version, true, t, 'a-0')).toEqual({ 'a-0': 'TRANSACTION_ABORTABLE' });
    expect(await cluster.addFromBroker(version, false, t, 'a-0', '__consumer_offsets-0')).toEqual({
      'a-0': 'NONE',
      '__consumer_offsets-0': 'NONE',
    });
    expect(await cluster.addFromBroker(version, true, t, 'a-0', 'a-1')).toEqual({
      'a-0': 'NONE',
      'a-1': 'TRANSACTION_ABORTABLE',
    });
    await cluster.changeLeader(false);
    for (const verifyOnly of [true, false])
      expect(await cluster.addFromBroker(version, verifyOnly, t, 'a-0')).toEqual({
        'a-0': 'NOT_COORDINATOR',
      });
  });
});

describe('AddOffsetsToTxn', () => {
  test.each([0, 1, 2, 4])('v%i adds the partition of the group', async (version) => {
    cluster.broker.apply(topicRecords('__consumer_offsets', offsetsId, 50));
    await cluster.init(5, { transactionalId: 't' });
    const code = async (who: Who) =>
      name(
        (
          await cluster.broker.inject(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, version, {
            ...who,
            groupId: 'g',
          })
        ).errorCode,
      );
    expect(await code(t)).toBe('NONE');
    expect((await cluster.describe('t'))?.topics).toEqual([
      { topic: '__consumer_offsets', partitions: [coordinatorPartition('g', 50)] },
    ]);
    const fenced = version < 2 ? 'INVALID_PRODUCER_EPOCH' : 'PRODUCER_FENCED';
    expect(await code({ ...t, producerEpoch: 9 })).toBe(fenced);
    expect(await code({ ...t, transactionalId: 'u' })).toBe('INVALID_PRODUCER_ID_MAPPING');
  });
});

describe('EndTxn', () => {
  test.each([0, 1, 4])('v%i leaves the producer epoch unchanged', async (version) => {
    await cluster.init(5, { transactionalId: 't' });
    expect(name((await cluster.end(version, t, true)).errorCode)).toBe('INVALID_TXN_STATE');
    await cluster.add(3, t, 'a-0');
    expect(await cluster.end(version, t, true)).toMatchObject({
      errorCode: 0,
      producerId: -1,
      producerEpoch: -1,
    });
    const fenced = await cluster.end(version, { ...t, producerEpoch: 9 }, true);
    expect(name(fenced.errorCode)).toBe(version < 2 ? 'INVALID_PRODUCER_EPOCH' : 'PRODUCER_FENCED');
    expect(await cluster.describe('t')).toMatchObject({
      transactionState: 'CompleteCommit',
      producerEpoch: 0,
    });
  });

  test('v5 returns the producer epoch of the next transaction, and markers carry it', async () => {
    await cluster.init(5, { transactionalId: 't' });
    await cluster.addFromBroker(5, false, t, 'a-0', 'a-1');
    expect(await cluster.end(5, t, false)).toMatchObject({ errorCode: 0, producerId: 100, producerEpoch: 1 });
    await settle(100);
    expect(cluster.brokers.requests).toEqual([
      {
        broker: 1,
        apiKey: 27,
        version: 2,
        body: {
          markers: [
            {
              producerId: 100,
              producerEpoch: 1,
              transactionResult: false,
              topics: [{ name: 'a', partitionIndexes: [0, 1] }],
              coordinatorEpoch: 1,
              transactionVersion: 2,
            },
          ],
        },
      },
    ]);
    expect(await cluster.describe('t')).toMatchObject({ transactionState: 'CompleteAbort', topics: [] });
  });
});

test('a new coordinator sends the markers that the former one did not complete', async () => {
  await cluster.init(5, { transactionalId: 't' });
  await cluster.addFromBroker(5, false, t, 'a-0');
  cluster.brokers.answers.clear();
  await cluster.end(5, t, true);
  expect(await cluster.describe('t')).toMatchObject({ transactionState: 'PrepareCommit' });
  await cluster.changeLeader(false);
  const sent = cluster.brokers.requests.length;
  for (const replica of cluster.replicas) replica.leaderEpoch = 7;
  await cluster.changeLeader(true);
  expect(cluster.brokers.requests.slice(sent)).toMatchObject([
    {
      body: {
        markers: [{ producerId: 100, producerEpoch: 1, coordinatorEpoch: 7, transactionResult: true }],
      },
    },
  ]);
});

test('DescribeTransactions and ListTransactions show and filter transactions', async () => {
  await cluster.init(5, { transactionalId: 't' });
  await cluster.init(5, { transactionalId: 'u' });
  await cluster.addFromBroker(5, false, t, 'a-0');
  expect(name((await cluster.describe('nobody'))?.errorCode ?? 0)).toBe('TRANSACTIONAL_ID_NOT_FOUND');
  expect(name((await cluster.describe(''))?.errorCode ?? 0)).toBe('INVALID_REQUEST');
  const list = (version: number, body: { stateFilters?: string[]; pattern?: string | null }) =>
    cluster.broker.inject(ListTransactionsRequest, ListTransactionsResponse, version, {
      stateFilters: body.stateFilters ?? [],
      producerIdFilters: [],
      transactionalIdPattern: body.pattern ?? null,
    });
  const ids = async (...args: Parameters<typeof list>) =>
    (await list(...args)).transactionStates.map((one) => one.transactionalId).sort();
  expect(await ids(0, {})).toEqual(['t', 'u']);
  expect(await ids(1, { stateFilters: ['Ongoing'] })).toEqual(['t']);
  expect(await list(1, { stateFilters: ['Open', 'Ongoing'] })).toMatchObject({
    unknownStateFilters: ['Open'],
  });
  expect(await ids(1, { stateFilters: ['Open'] })).toEqual([]);
  expect(await ids(2, { pattern: '[u-z]' })).toEqual(['u']);
  expect(await ids(2, { pattern: '' })).toEqual(['t', 'u']);
  expect(name((await list(2, { pattern: '(' })).errorCode)).toBe('INVALID_REGULAR_EXPRESSION');
  await cluster.changeLeader(false);
  expect(await ids(2, {})).toEqual([]);
  expect(name((await cluster.describe('t'))?.errorCode ?? 0)).toBe('NOT_COORDINATOR');
});

test('the first FindCoordinator creates the topic', async () => {
  cluster = new TxnBroker();
  const find = () =>
    cluster.broker.inject(FindCoordinatorRequest, FindCoordinatorResponse, 4, {
      key: '',
      keyType: 1,
      coordinatorKeys: ['t'],
    });
  cluster.broker.controller.on(CreateTopicsRequest, CreateTopicsResponse, ({ topics: [topic] }) => {
    expect(topic).toMatchObject({ name: stateTopic, numPartitions: 50 });
    return { topics: [{ name: stateTopic, errorCode: 0, errorMessage: null }] };
  });
  expect(name((await find()).coordinators[0]?.errorCode ?? 0)).toBe('COORDINATOR_NOT_AVAILABLE');
  await cluster.lead();
  expect((await find()).coordinators[0]).toMatchObject({ errorCode: 0, nodeId: 1 });
});
