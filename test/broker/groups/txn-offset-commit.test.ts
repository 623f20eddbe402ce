/** TxnOffsetCommit through the whole pipeline, and the batches and markers that are appended to the log. */
import { beforeEach, describe, expect, test } from 'vitest';
import { coordinatorPartition } from '../../../src/coordinator/coordinator-partition.ts';
import type { TransactionQuestion } from '../../../src/broker/txn/transaction-verifier.ts';
import { type ErrorRow, Errors, errorOf } from '../../../src/protocol/errors.ts';
import {
  OffsetFetchRequest,
  OffsetFetchResponse,
} from '../../../src/protocol/messages/groups/09-offset-fetch.ts';
import {
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '../../../src/protocol/messages/transactions/28-txn-offset-commit.ts';
import { batchHeader } from '../../../src/protocol/records/batch.ts';
import { endTransactionOf } from '../../../src/protocol/records/control.ts';
import { decodeRecords } from '../../../src/protocol/records/record.ts';
import { idA, settle } from '../harness.ts';
import type { MemoryReplica } from '../coordinator/memory-replica.ts';
import { GroupBroker, partitionCount } from './group-broker.ts';

const name = (code: number | undefined) => errorOf(code ?? -1).name;
const index = coordinatorPartition('g', partitionCount);

describe('TxnOffsetCommit', () => {
  let world: GroupBroker;
  beforeEach(async () => {
    world = new GroupBroker();
  });

  const log = () => (world.replicas[index] as MemoryReplica).memory;

  const commit = (version: number, offset: number, groupId = 'g', topic = 't', partitionIndex = 0) =>
    world.broker.inject(TxnOffsetCommitRequest, TxnOffsetCommitResponse, version, {
      transactionalId: 'x',
      groupId,
      producerId: 7,
      producerEpoch: 2,
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex, committedOffset: offset, committedMetadata: 'm' }],
        },
      ],
    });

  const fetch = async (requireStable: boolean) => {
    const topics = [{ name: 't', topicId: idA, partitionIndexes: [0] }];
    const body = { groups: [{ groupId: 'g', topics }], requireStable };
    const answer = await world.broker.inject(OffsetFetchRequest, OffsetFetchResponse, 9, body);
    const found = answer.groups[0]?.topics[0]?.partitions[0];
    return found?.errorCode === 0 ? found.committedOffset : name(found?.errorCode);
  };

  const end = (type: 'commit' | 'abort', partition = index) =>
    world.groups.completeTransaction(partition, {
      producerId: 7,
      producerEpoch: 2,
      coordinatorEpoch: 3,
      type,
    });

  test.each([0, 1, 2, 3, 4, 5])(
    'v%i writes a transactional batch, whose offsets are committed by the marker',
    async (version) => {
      await world.lead();
      const answer = await commit(version, 5);
      expect(name(answer.topics[0]?.partitions[0]?.errorCode)).toBe('NONE');
      expect([await fetch(false), await fetch(true)]).toEqual([-1, 'UNSTABLE_OFFSET_COMMIT']);
      expect((await end('commit')).name).toBe('NONE');
      expect([await fetch(false), await fetch(true)]).toEqual([5, 5]);
      const [batch, marker] = log().batches.map(({ bytes }) => batchHeader(bytes));
      expect(batch).toMatchObject({
        isTransactional: true,
        isControl: false,
        producerId: 7,
        producerEpoch: 2,
      });
      expect(batch?.baseSequence).toBe(-1);
      expect(marker).toMatchObject({
        isTransactional: true,
        isControl: true,
        producerId: 7,
        producerEpoch: 2,
      });
      const [record] = marker === undefined ? [] : decodeRecords(marker);
      expect(record === undefined ? null : endTransactionOf(record)).toEqual({
        type: 'commit',
        coordinatorEpoch: 3,
      });
    },
  );

  test('offsets of different transactions, and those outside of transactions, are not written in one batch', async () => {
    await world.lead();
    const topic = {
      name: 't',
      topicId: idA,
      partitions: [
        { partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: '' },
      ],
    };
    const who = { groupId: 'g', memberId: '', groupInstanceId: null, topics: [topic] };
    const inTransaction = (producerId: number) => {
      const producer = { transactionalId: 'x', producerId, producerEpoch: 2, generationId: -1 };
      return world.groups.commitTransactional(3, { ...who, ...producer });
    };
    const plain = { ...who, generationIdOrMemberEpoch: -1, retentionTimeMs: -1 };
    const answers = [7, 7, 8].map(inTransaction);
    await Promise.all([...answers, world.groups.commit(8, plain), inTransaction(7)]);
    const headers = log().batches.map(({ bytes }) => batchHeader(bytes));
    expect(headers.map((header) => [header.producerId, header.isTransactional, header.recordsCount])).toEqual(
      [
        [7, true, 2],
        [8, true, 1],
        [-1, false, 1],
        [7, true, 1],
      ],
    );
  });

  test('topics and partitions that do not exist, and the empty group id, are refused one by one', async () => {
    await world.lead();
    const errors = [
      await commit(3, 1, 'g', 'ghost'),
      await commit(3, 1, 'g', 't', 9),
      await commit(3, 1, ''),
    ];
    expect(errors.map((answer) => name(answer.topics[0]?.partitions[0]?.errorCode))).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'INVALID_GROUP_ID',
    ]);
  });

  test('is refused while the partition is loading, and by a broker that does not lead it', async () => {
    const errorAt = async (version: number) =>
      name((await commit(version, 1)).topics[0]?.partitions[0]?.errorCode);
    (world.replicas[index] as MemoryReplica).highWatermark = -1;
    await world.lead();
    expect([await errorAt(1), await errorAt(2)]).toEqual([
      'COORDINATOR_NOT_AVAILABLE',
      'COORDINATOR_LOAD_IN_PROGRESS',
    ]);
    expect((await end('commit')).name).toBe('NOT_LEADER_OR_FOLLOWER');
    await world.changeLeader(index, false);
    expect(await errorAt(3)).toBe('NOT_COORDINATOR');
    const ghost = await commit(3, 1, 'g', 'ghost');
    expect(name(ghost.topics[0]?.partitions[0]?.errorCode)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect([(await end('commit')).name, (await end('commit', 99)).name]).toEqual([
      'NOT_LEADER_OR_FOLLOWER',
      'NOT_LEADER_OR_FOLLOWER',
    ]);
  });

  test('a marker is answered when it is committed, and its offsets are committed then', async () => {
    await world.lead();
    await commit(3, 5);
    const replica = world.replicas[index] as MemoryReplica;
    replica.holdAcks = true;
    let answer = '';
    void end('commit').then((error) => {
      answer = error.name;
    });
    await settle();
    expect([answer, await fetch(true)]).toEqual(['', 'UNSTABLE_OFFSET_COMMIT']);
    replica.settleAcks();
    await settle();
    expect([answer, await fetch(true)]).toEqual(['NONE', 5]);
  });

  describe('verification of a transactional offset commit', () => {
    const guard = { producerId: 7 };
    let asked: TransactionQuestion[];
    let error: ErrorRow | null;

    beforeEach(async () => {
      asked = [];
      error = null;
      await world.lead();
      (world.replicas[index] as MemoryReplica).guard = guard;
      world.ask = async (question) => {
        asked.push(question);
        return error === null ? new Map() : new Map([[`__consumer_offsets-${index}`, error]]);
      };
    });

    const errorOfCommit = async (version: number) =>
      name((await commit(version, 1)).topics[0]?.partitions[0]?.errorCode);

    test.each([
      [3, 'verify'],
      [4, 'verify-abortable'],
      [5, 'add'],
    ])('v%i asks the coordinator to %s, and appends with the guard', async (version, support) => {
      expect(await errorOfCommit(version)).toBe('NONE');
      const partitions = [{ topic: '__consumer_offsets', index }];
      expect(asked).toEqual([{ transactionalId: 'x', producerId: 7, producerEpoch: 2, partitions, support }]);
      const [options] = (world.replicas[index] as MemoryReplica).options;
      expect(options).toMatchObject({ origin: 'coordinator', verification: guard });
    });

    test('does not ask about a transaction that has already begun in the partition', async () => {
      (world.replicas[index] as MemoryReplica).guard = null;
      expect(await errorOfCommit(5)).toBe('NONE');
      expect(asked).toEqual([]);
    });

    test.each([
      [Errors.INVALID_TXN_STATE, 'INVALID_TXN_STATE'],
      [Errors.TRANSACTION_ABORTABLE, 'TRANSACTION_ABORTABLE'],
      [Errors.CONCURRENT_TRANSACTIONS, 'CONCURRENT_TRANSACTIONS'],
      [Errors.NETWORK_EXCEPTION, 'COORDINATOR_NOT_AVAILABLE'],
    ])('that answers %s writes nothing', async (refusal, told) => {
      error = refusal;
      expect(await errorOfCommit(4)).toBe(told);
      expect([log().endOffset, await fetch(true)]).toEqual([0, -1]);
    });

    test('is refused with NOT_COORDINATOR when the leadership was lost meanwhile', async () => {
      let answer: (errors: Map<string, ErrorRow>) => void = () => undefined;
      world.ask = () => new Promise((resolve) => (answer = resolve));
      const request = {
        transactionalId: 'x',
        groupId: 'g',
        producerId: 7,
        producerEpoch: 2,
        generationId: -1,
        memberId: '',
        groupInstanceId: null,
        topics: [],
      };
      const refused = expect(world.groups.commitTransactional(4, request)).rejects;
      await world.changeLeader(index, false);
      answer(new Map());
      await refused.toMatchObject({ error: Errors.NOT_COORDINATOR });
    });
  });

  test('a marker is appended with the transaction version of its transaction', async () => {
    await world.lead();
    const ended = { producerId: 7, producerEpoch: 2, coordinatorEpoch: 3, type: 'commit' } as const;
    await world.groups.completeTransaction(index, { ...ended, transactionVersion: 2 });
    const [options] = (world.replicas[index] as MemoryReplica).options;
    expect(options).toMatchObject({ origin: 'coordinator', transactionVersion: 2 });
  });
});
