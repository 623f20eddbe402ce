import { describe, expect, test } from 'vitest';
import { uuidZero } from '../../../src/base/uuid.ts';
import { ShardHost as Host } from '../../../src/broker/coordinator/shard-host.ts';
import { groupMachine } from '../../../src/group/machine.ts';
import type { Shard } from '../../../src/group/group-turn.ts';
import { emptyImage } from '../../../src/metadata/image.ts';
import { fetchOffsets } from '../../../src/group/offsets.ts';
import type { GroupInput, JoinResponse, OffsetCommitResponse } from '../../../src/group/types.ts';
import { type ErrorRow, Errors, errorOf, KafkaError } from '../../../src/protocol/errors.ts';
import { buildBatch } from '../../../src/protocol/records/builder.ts';
import { endTransactionBatch } from '../../../src/protocol/records/control.ts';
import { offsetRecord } from '../../../src/group/records.ts';
import { bytes, config, seededRandom } from '../../group/harness.ts';
import { ManualTime, RecordingLogger, settle } from '../harness.ts';
import { MemoryLog, MemoryReplica } from './memory-replica.ts';

type ShardHost = Host<Shard, GroupInput>;

class Bench {
  readonly time = new ManualTime();
  readonly logger = new RecordingLogger();
  readonly lost: ShardHost[] = [];
  readonly memory: MemoryLog;

  constructor(memory = new MemoryLog()) {
    this.memory = memory;
  }

  async host(partition = new MemoryReplica(this.memory)): Promise<ShardHost> {
    const host = this.unloaded(partition);
    await host.load();
    return host;
  }

  unloaded(partition: MemoryReplica): ShardHost {
    return new Host({
      partition,
      machine: groupMachine(config, seededRandom(3)),
      writeTimeoutMs: 5_000,
      tooLarge: Errors.INVALID_COMMIT_OFFSET_SIZE,
      metadata: emptyImage,
      loadBufferBytes: 1_000,
      compression: 'none',
      clock: this.time,
      scheduler: this.time,
      logger: this.logger,
      onLost: (host) => this.lost.push(host),
    });
  }
}

async function commit(
  host: ShardHost,
  offset: number,
  partition = 0,
  groupId = 'g',
  metadata = '',
): Promise<string> {
  const response = await host.request<OffsetCommitResponse>((token) => ({
    type: 'commit',
    token,
    apiVersion: 9,
    request: {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: [
        {
          name: 't',
          topicId: uuidZero,
          partitions: [
            {
              partitionIndex: partition,
              committedOffset: offset,
              committedLeaderEpoch: -1,
              committedMetadata: metadata,
            },
          ],
        },
      ],
    },
  }));
  return errorOf(response.topics[0]?.partitions[0]?.errorCode ?? -1).name;
}

function committed(host: ShardHost, partition = 0, groupId = 'g'): number | undefined {
  const topics = [{ name: 't', topicId: uuidZero, partitionIndexes: [partition] }];
  return fetchOffsets(host.shard, { groupId, topics }).topics[0]?.partitions[0]?.committedOffset;
}

function join(host: ShardHost): JoinResponse | Promise<JoinResponse> {
  return host.request<JoinResponse>((token) => ({
    type: 'join',
    token,
    caller: { apiVersion: 3, clientId: 'c', clientHost: '/h' },
    request: {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: bytes('') }],
      reason: null,
    },
  }));
}

function thrown(run: () => unknown): ErrorRow | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof KafkaError) return error.error;
    throw error;
  }
}

describe('writes of a coordinator', () => {
  test('a commit is answered, and visible, when its records are acknowledged', async () => {
    const bench = new Bench();
    const replica = new MemoryReplica(bench.memory);
    const host = await bench.host(replica);
    replica.holdAcks = true;
    let answer = '';
    void commit(host, 5).then((name) => {
      answer = name;
    });
    await settle();
    expect([answer, committed(host), bench.memory.endOffset]).toEqual(['', -1, 1]);
    replica.settleAcks();
    await settle();
    expect([answer, committed(host)]).toEqual(['NONE', 5]);
  });

  // Bound: flightsMax.
  test('while flightsMax appends are in flight, new records gather in one batch', async () => {
    const bench = new Bench();
    const replica = new MemoryReplica(bench.memory);
    const host = await bench.host(replica);
    replica.holdAcks = true;
    const first: Promise<string>[] = [];
    for (let i = 0; i < 5; i++) {
      first.push(commit(host, i));
      await settle();
    }
    const rest = Array.from({ length: 20 }, (_, i) => commit(host, i, i));
    await settle();
    expect(replica.appends).toEqual([1, 1, 1, 1, 1]);
    replica.settleAcks();
    await settle();
    expect(replica.appends).toEqual([1, 1, 1, 1, 1, 20]);
    replica.settleAcks();
    expect(new Set(await Promise.all([...first, ...rest]))).toEqual(new Set(['NONE']));
    expect([committed(host, 4), committed(host, 19)]).toEqual([4, 19]);
  });

  // Bound: batchBytesMax.
  test('gathered records are written in batches of at most batchBytesMax', async () => {
    const bench = new Bench();
    const replica = new MemoryReplica(bench.memory);
    const host = await bench.host(replica);
    // Of commits with this much metadata, 60 fit into one batch.
    const all = Array.from({ length: 150 }, (_, i) => commit(host, i, i, 'g', 'm'.repeat(4_096)));
    expect(new Set(await Promise.all(all))).toEqual(new Set(['NONE']));
    expect(replica.appends.length).toBe(3);
    for (const { bytes } of bench.memory.batches) expect(bytes.length).toBeLessThanOrEqual(256 * 1024 + 100);
    expect(committed(host, 149)).toBe(149);
  });

  test.each([
    [Errors.NOT_ENOUGH_REPLICAS, 'COORDINATOR_NOT_AVAILABLE'],
    [Errors.NOT_LEADER_OR_FOLLOWER, 'NOT_COORDINATOR'],
    [Errors.KAFKA_STORAGE_ERROR, 'NOT_COORDINATOR'],
    [Errors.MESSAGE_TOO_LARGE, 'INVALID_COMMIT_OFFSET_SIZE'],
  ])('an append that the log refuses with %s fails its request only', async (error, told) => {
    const bench = new Bench();
    const replica = new MemoryReplica(bench.memory);
    const host = await bench.host(replica);
    replica.error = new KafkaError(error);
    expect(await commit(host, 1)).toBe(told);
    replica.error = null;
    expect(await commit(host, 2)).toBe('NONE');
  });

  test('a commit that is not acknowledged in time is answered with an error, and so are those queued behind it; an acknowledgement that comes later still counts', async () => {
    const bench = new Bench();
    const replica = new MemoryReplica(bench.memory);
    const host = await bench.host(replica);
    replica.holdAcks = true;
    const appended: Promise<string>[] = [];
    for (let i = 0; i < 5; i++) {
      appended.push(commit(host, i + 1));
      await settle();
    }
    const queued = commit(host, 2, 1);
    await bench.time.advance(5_000);
    expect(new Set(await Promise.all([...appended, queued]))).toEqual(new Set(['COORDINATOR_NOT_AVAILABLE']));
    expect(committed(host)).toBe(-1);
    replica.settleAcks();
    await settle();
    expect([committed(host, 0), committed(host, 1), bench.memory.endOffset]).toEqual([5, -1, 5]);
  });

  test('after NOT_ENOUGH_REPLICAS_AFTER_APPEND the client gets an error, and the state has the records that are in the log', async () => {
    const bench = new Bench();
    const replica = new MemoryReplica(bench.memory);
    const host = await bench.host(replica);
    replica.holdAcks = true;
    const answer = commit(host, 1);
    await settle();
    replica.settleAcks(new KafkaError(Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND));
    expect(await answer).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(committed(host)).toBe(1);
  });

  test('a leadership that is lost while an append is pending ends the host', async () => {
    const bench = new Bench();
    const replica = new MemoryReplica(bench.memory);
    const host = await bench.host(replica);
    replica.holdAcks = true;
    const answer = commit(host, 1);
    await settle();
    replica.settleAcks(new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER));
    expect(await answer).toBe('NOT_COORDINATOR');
    expect(bench.lost).toEqual([host]);
    expect(thrown(() => host.requireActive())).toBe(Errors.NOT_COORDINATOR);
  });
});

describe('loading of a coordinator', () => {
  test('restores the state that another host wrote', async () => {
    const bench = new Bench();
    const first = await bench.host();
    for (let i = 0; i < 100; i++) await commit(first, i, i % 7, `g${i % 3}`);
    first.close(Errors.NOT_COORDINATOR);
    const second = await bench.host();
    for (let i = 90; i < 100; i++) expect(committed(second, i % 7, `g${i % 3}`)).toBeGreaterThanOrEqual(i);
  });

  test('answers COORDINATOR_LOAD_IN_PROGRESS until it is done, and NOT_COORDINATOR when the leadership is lost', async () => {
    const bench = new Bench();
    await commit(await bench.host(), 1);
    const replica = new MemoryReplica(bench.memory);
    const host = bench.unloaded(replica);
    const loading = host.load();
    expect(thrown(() => join(host))).toBe(Errors.COORDINATOR_LOAD_IN_PROGRESS);
    await loading;
    expect(thrown(() => host.requireActive())).toBeNull();
    replica.isLeader = false;
    expect(thrown(() => host.requireActive())).toBe(Errors.NOT_COORDINATOR);
  });

  test('waits until all records of the log are committed', async () => {
    const bench = new Bench();
    const former = await bench.host();
    await commit(former, 1);
    former.close(Errors.NOT_COORDINATOR);
    const replica = new MemoryReplica(bench.memory);
    replica.highWatermark = 0;
    const host = bench.unloaded(replica);
    const loading = host.load();
    await settle();
    expect(thrown(() => host.requireActive())).toBe(Errors.COORDINATOR_LOAD_IN_PROGRESS);
    for (let i = 0; i < 6; i++) await bench.time.advance(10_000);
    expect(thrown(() => host.requireActive())).toBe(Errors.COORDINATOR_LOAD_IN_PROGRESS);
    expect(bench.logger.lines.filter(({ level }) => level === 'warn').length).toBe(6);
    replica.commit();
    await loading;
    expect(committed(host)).toBe(1);
    expect(bench.time.timerCount).toBe(1);
  });

  test('ends when the host is closed', async () => {
    const bench = new Bench();
    const former = await bench.host();
    await commit(former, 1);
    former.close(Errors.NOT_COORDINATOR);
    const replica = new MemoryReplica(bench.memory);
    replica.highWatermark = 0;
    const host = bench.unloaded(replica);
    const loading = host.load();
    await settle();
    host.close(Errors.NOT_COORDINATOR);
    await loading;
    expect(bench.time.timerCount).toBe(0);
    expect(thrown(() => host.requireActive())).toBe(Errors.NOT_COORDINATOR);
  });

  test('restores offsets of committed transactions, not of aborted ones', async () => {
    const bench = new Bench();
    const offset = (value: number) => ({
      offset: value,
      leaderEpoch: -1,
      metadata: '',
      commitMs: 1,
      expireMs: -1,
      topicId: uuidZero,
    });
    const transactional = (producerId: number, partition: number) => {
      const record = offsetRecord('g', 't', partition, offset(partition + 10));
      const records = [{ key: record.key, value: record.value, timestamp: 1 }];
      return buildBatch({ records, producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true });
    };
    const end = (producerId: number, type: 'commit' | 'abort') =>
      endTransactionBatch({ producerId, producerEpoch: 0, type, coordinatorEpoch: 0, timestamp: 1 });
    for (const batch of [
      transactional(7, 0),
      transactional(8, 1),
      transactional(9, 2),
      end(7, 'commit'),
      end(8, 'abort'),
    ])
      bench.memory.append(batch);
    const host = await bench.host();
    expect([0, 1, 2].map((partition) => committed(host, partition))).toEqual([10, -1, -1]);
  });

  test('skips a broken record or batch, and nothing else', async () => {
    const bench = new Bench();
    await commit(await bench.host(), 7, 3);
    const flipped = bench.memory.batches[0] as { bytes: Uint8Array };
    flipped.bytes[flipped.bytes.length - 1] = 99;
    const broken = buildBatch({
      records: [{ key: Uint8Array.of(0, 1, 0, 50, 1), value: null, timestamp: 1 }],
    });
    bench.memory.append(broken);
    await commit(await bench.host(), 1);
    expect(committed(await bench.host())).toBe(1);
    const errors = bench.logger.lines.filter(({ level }) => level === 'error');
    expect(new Set(errors.map(({ fields }) => fields?.offset))).toEqual(new Set([0, 1]));
  });
});

test('closing a host answers its pending requests', async () => {
  const bench = new Bench();
  const host = await bench.host();
  const waiting = join(host);
  host.close(Errors.NOT_COORDINATOR);
  expect((await waiting).errorCode).toBe(Errors.NOT_COORDINATOR.code);
  expect(bench.time.timerCount).toBe(0);
});

test('deadlines run by the scheduler: a single member gets its first generation without another request', async () => {
  const bench = new Bench();
  const host = await bench.host();
  const waiting = join(host);
  await bench.time.advance(1);
  expect((await waiting).generationId).toBe(1);
});
