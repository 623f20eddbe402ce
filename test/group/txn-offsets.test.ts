/** Offset commits in transactions: they are pending until the marker, and other requests see them as unstable. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defined } from '../../src/base/assert.ts';
import { uuidZero } from '../../src/base/uuid.ts';
import type { TransactionEnd, Write } from '../../src/coordinator/types.ts';
import { groupMachine } from '../../src/group/machine.ts';
import { fetchOffsets } from '../../src/group/offsets.ts';
import { readRecord } from '../../src/group/records.ts';
import type { Shard } from '../../src/group/group-turn.ts';
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '../../src/group/types.ts';
import { Errors, errorOf } from '../../src/protocol/errors.ts';
import { ConsumerWorld } from './consumer/harness.ts';
import { durable, seededRandom } from './harness.ts';

/** One entry of the log: a record or a marker. */
type Entry = Pick<Write, 'producer' | 'end'> & { readonly record: Write['records'][number] | null };

class TxnWorld extends ConsumerWorld {
  readonly entries: Entry[] = [];

  override written(write = defined(this.writes.shift(), 'a write')): void {
    const { producer, end } = write;
    for (const record of write.records) this.entries.push({ producer, end, record });
    if (end !== null) this.entries.push({ producer, end, record: null });
    super.written(write);
  }

  txnCommit(
    producerId: number,
    offset: number,
    rest: Partial<TxnOffsetCommitRequest> & {
      partition?: number;
      topic?: string;
      metadata?: string;
      apiVersion?: number;
    } = {},
  ): number {
    const { partition = 0, topic = 't', metadata = '', apiVersion = 5, ...request } = rest;
    return this.send((token) => ({
      type: 'txnCommit',
      token,
      apiVersion,
      verification: undefined,
      request: {
        transactionalId: 'x',
        groupId: 'g',
        producerId,
        producerEpoch: 0,
        generationId: -1,
        memberId: '',
        groupInstanceId: null,
        topics: [
          {
            name: topic,
            partitions: [
              {
                partitionIndex: partition,
                committedOffset: offset,
                committedLeaderEpoch: 3,
                committedMetadata: metadata,
              },
            ],
          },
        ],
        ...request,
      },
    }));
  }

  txnError(token: number): string | undefined {
    const code = this.response<TxnOffsetCommitResponse>(token)?.topics[0]?.partitions[0]?.errorCode;
    return code === undefined ? undefined : errorOf(code).name;
  }

  end(producerId: number, type: TransactionEnd['type']): number {
    const end = { producerId, producerEpoch: 0, coordinatorEpoch: 1, type };
    return this.send((token) => ({ type: 'completeTransaction', token, end }));
  }

  fetch(requireStable = false, partition = 0, groupId = 'g', topic = 't'): number | string {
    return fetched(this.shard, requireStable, partition, groupId, topic);
  }

  /** The shard as another broker loads it, from the log or from what compaction has left of the log. */
  replay(entries: readonly Entry[] = this.entries): Shard {
    const machine = groupMachine(this.config, seededRandom(9));
    const shard = machine.create(this.now);
    for (const { record, producer, end } of entries) {
      if (record !== null) machine.replay(shard, record, producer);
      if (end !== null) machine.replayEnd(shard, end);
    }
    machine.loaded(shard, this.now);
    return shard;
  }
}

function fetched(
  shard: Shard,
  requireStable: boolean,
  partition = 0,
  groupId = 'g',
  topic = 't',
): number | string {
  const topics = [{ name: topic, topicId: uuidZero, partitionIndexes: [partition] }];
  const found = defined(
    fetchOffsets(shard, { groupId, topics, requireStable }).topics[0]?.partitions[0],
    'a partition',
  );
  return found.errorCode === 0 ? found.committedOffset : errorOf(found.errorCode).name;
}

describe('an offset of a transaction', () => {
  test('is pending until the marker that commits it', () => {
    const world = new TxnWorld();
    world.commit(5);
    expect(world.txnError(world.txnCommit(1, 9))).toBe('NONE');
    expect([world.fetch(), world.fetch(true), world.fetch(true, 1)]).toEqual([
      5,
      'UNSTABLE_OFFSET_COMMIT',
      -1,
    ]);
    world.end(1, 'commit');
    expect([world.fetch(), world.fetch(true)]).toEqual([9, 9]);
  });

  test('is never returned when the transaction was aborted', () => {
    const world = new TxnWorld();
    world.commit(5);
    world.txnCommit(1, 9);
    world.end(1, 'abort');
    expect([world.fetch(), world.fetch(true)]).toEqual([5, 5]);
    world.end(1, 'commit');
    expect(world.fetch()).toBe(5);
  });

  test('is unstable while its write is pending, and not after the write failed', () => {
    const world = new TxnWorld();
    world.autoWrite = false;
    const token = world.txnCommit(1, 9);
    expect(world.fetch(true)).toBe('UNSTABLE_OFFSET_COMMIT');
    world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    expect([world.txnError(token), world.fetch(true)]).toEqual(['COORDINATOR_NOT_AVAILABLE', -1]);
  });

  test('stays unstable while it is unknown whether its write, or the marker, is replicated', () => {
    const world = new TxnWorld();
    world.autoWrite = false;
    world.txnCommit(1, 9);
    const writeId = defined(world.writes[0]).id;
    world.step({ type: 'timedOut', writeId, error: Errors.COORDINATOR_NOT_AVAILABLE });
    expect(world.fetch(true)).toBe('UNSTABLE_OFFSET_COMMIT');
    world.written();
    const marker = world.end(1, 'commit');
    expect([world.response(marker), world.fetch(true)]).toEqual([undefined, 'UNSTABLE_OFFSET_COMMIT']);
    world.written();
    expect([world.response(marker), world.fetch(true)]).toEqual([{ errorCode: 0 }, 9]);
  });

  test('does not replace an offset committed after it, in whatever order the transactions end', () => {
    const world = new TxnWorld();
    world.txnCommit(1, 10);
    world.txnCommit(2, 11);
    world.txnCommit(3, 12, { partition: 1 });
    world.commit(13, { partition: 1 });
    for (const producerId of [2, 1, 3]) world.end(producerId, 'commit');
    expect([world.fetch(), world.fetch(false, 1)]).toEqual([11, 13]);
    expect(durable(world.replay())).toEqual(durable(world.shard));
  });

  test('is committed together with those of other groups in the transaction', () => {
    const world = new TxnWorld();
    world.txnCommit(1, 10, { groupId: 'g' });
    world.txnCommit(1, 20, { groupId: 'h' });
    world.txnCommit(2, 30, { groupId: 'h', partition: 1 });
    world.end(1, 'commit');
    expect([world.fetch(), world.fetch(true, 0, 'h'), world.fetch(true, 1, 'h')]).toEqual([
      10,
      20,
      'UNSTABLE_OFFSET_COMMIT',
    ]);
  });

  test('is pending on the next coordinator as well', () => {
    const world = new TxnWorld();
    world.txnCommit(1, 10);
    world.txnCommit(2, 20, { partition: 1 });
    world.end(2, 'commit');
    const next = world.replay();
    expect([fetched(next, true), fetched(next, false), fetched(next, true, 1)]).toEqual([
      'UNSTABLE_OFFSET_COMMIT',
      -1,
      20,
    ]);
  });

  test('with too long metadata gets OFFSET_METADATA_TOO_LARGE', () => {
    const world = new TxnWorld({ offsetMetadataMaxBytes: 3 });
    expect(world.txnError(world.txnCommit(1, 10, { metadata: 'abcd' }))).toBe('OFFSET_METADATA_TOO_LARGE');
    expect(world.fetch(true)).toBe(-1);
  });
});

describe('TxnOffsetCommit of', () => {
  test.each([
    ['a member', (id: string, generation: number) => ({ memberId: id, generationId: generation }), 'NONE'],
    ['a client before v3', () => ({}), 'NONE'],
    [
      'a member with an older generation',
      (id: string) => ({ memberId: id, generationId: 0 }),
      'ILLEGAL_GENERATION',
    ],
    ['an unknown member id', () => ({ memberId: 'x', generationId: 1 }), 'UNKNOWN_MEMBER_ID'],
    ['an unknown member id without a generation', () => ({ memberId: 'x' }), 'UNKNOWN_MEMBER_ID'],
    ['an unknown instance', (id: string) => ({ memberId: id, groupInstanceId: 'i' }), 'UNKNOWN_MEMBER_ID'],
    ['an unknown group with a generation', () => ({ groupId: 'n', generationId: 1 }), 'ILLEGAL_GENERATION'],
    [
      'an unknown group with a generation, in v6',
      () => ({ groupId: 'n', generationId: 1, apiVersion: 6 }),
      'GROUP_ID_NOT_FOUND',
    ],
    ['an unknown group without member id and generation', () => ({ groupId: 'n' }), 'NONE'],
  ])('%s', (_who, request, error) => {
    const world = new TxnWorld();
    const { ids, generation } = world.stable(2);
    expect(world.txnError(world.txnCommit(1, 5, request(defined(ids[0]), generation)))).toBe(error);
  });

  test('a member is accepted during a rebalance', () => {
    const world = new TxnWorld();
    const { ids, generation } = world.stable(2);
    world.joinDynamic();
    expect(world.group().state).toBe('PreparingRebalance');
    const request = { memberId: defined(ids[0]), generationId: generation };
    expect(world.txnError(world.txnCommit(1, 5, request))).toBe('NONE');
  });

  test('a member that no longer has its instance id gets FENCED_INSTANCE_ID', () => {
    const world = new TxnWorld();
    world.join({ groupInstanceId: 'i' });
    world.advance(1);
    const request = { memberId: 'former', generationId: 1, groupInstanceId: 'i' };
    expect(world.txnError(world.txnCommit(1, 5, request))).toBe('FENCED_INSTANCE_ID');
  });
});

describe('pending offsets of a transaction', () => {
  const remove = (world: TxnWorld, partition: number) =>
    world.send((token) => ({
      type: 'deleteOffsets',
      token,
      request: { groupId: 'g', topics: [{ name: 't', partitions: [{ partitionIndex: partition }] }] },
    }));

  test('are deleted by OffsetDelete', () => {
    const world = new TxnWorld();
    world.commit(5);
    world.txnCommit(1, 9);
    world.txnCommit(1, 9, { partition: 1 });
    for (const partition of [0, 1]) remove(world, partition);
    expect([world.fetch(true), world.fetch(true, 1)]).toEqual([-1, -1]);
    world.end(1, 'commit');
    expect([world.fetch(), world.fetch(false, 1)]).toEqual([-1, -1]);
    expect(durable(world.replay())).toEqual(durable(world.shard));
  });

  test('are deleted by DeleteGroups, even when their write is pending', () => {
    const world = new TxnWorld();
    world.txnCommit(1, 9);
    world.autoWrite = false;
    world.txnCommit(1, 9, { partition: 1 });
    world.send((token) => ({ type: 'deleteGroup', token, groupId: 'g' }));
    world.autoWrite = true;
    while (world.writes.length > 0) world.written();
    world.end(1, 'commit');
    expect(world.shard.groups.has('g')).toBe(false);
    expect(durable(world.replay())).toEqual([]);
  });

  test('are deleted with their topic', () => {
    const world = new TxnWorld({}, { t: 1, u: 1 });
    world.txnCommit(1, 9);
    world.txnCommit(1, 8, { topic: 'u' });
    world.deleteTopic('t');
    world.advance(1);
    world.end(1, 'commit');
    expect([world.fetch(), world.fetch(false, 0, 'g', 'u')]).toEqual([-1, 8]);
  });

  test('keep the group and the committed offset of their partition from expiry', () => {
    const world = new TxnWorld();
    world.commit(5);
    world.txnCommit(1, 9);
    world.commit(6, { partition: 1 });
    world.advance(world.config.offsetsRetentionMs + 2 * world.config.offsetsRetentionCheckIntervalMs);
    expect([world.fetch(), world.fetch(false, 1)]).toEqual([5, -1]);
    world.end(1, 'abort');
    world.advance(world.config.offsetsRetentionCheckIntervalMs);
    expect(world.shard.groups.has('g')).toBe(false);
  });

  test('keep a group without other offsets from expiry', () => {
    const world = new TxnWorld();
    world.txnCommit(1, 9);
    world.advance(world.config.offsetsRetentionMs * 2);
    expect(world.shard.groups.has('g')).toBe(true);
    world.end(1, 'commit');
    expect(world.fetch()).toBe(9);
  });
});

/**
 * The offset that follows from the log for one partition: the last record that took effect, unless a tombstone came after it.
 */
function expected(entries: readonly Entry[], group: string, partition: number): number {
  const counting: { at: number; offset: number }[] = [];
  const open = new Map<number, { at: number; offset: number }[]>();
  entries.forEach(({ record, producer, end }, at) => {
    if (end !== null) {
      if (end.type === 'commit') counting.push(...(open.get(end.producerId) ?? []));
      open.delete(end.producerId);
    }
    const read = record === null ? null : readRecord(record);
    if (read?.type !== 'offset' || read.group !== group || read.partition !== partition) return;
    if (read.value === null) {
      counting.length = 0;
      open.clear();
    } else if (producer === null) counting.push({ at, offset: read.value.offset });
    else
      open.set(producer.producerId, [
        ...(open.get(producer.producerId) ?? []),
        { at, offset: read.value.offset },
      ]);
  });
  return counting.sort((a, b) => b.at - a.at)[0]?.offset ?? -1;
}

/**
 * What the log cleaner leaves of the log: of the records that took effect below the first open transaction, the last one of
 * each key.
 */
function compacted(entries: readonly Entry[]): Entry[] {
  const last = new Map<string, number>();
  const open = new Map<number, number>();
  const aborted = new Set<number>();
  const pending = new Map<number, number[]>();
  entries.forEach(({ record, producer, end }, at) => {
    if (record !== null && producer !== null) {
      if (!open.has(producer.producerId)) open.set(producer.producerId, at);
      pending.set(producer.producerId, [...(pending.get(producer.producerId) ?? []), at]);
    }
    if (end === null) return;
    if (end.type === 'abort') for (const one of pending.get(end.producerId) ?? []) aborted.add(one);
    open.delete(end.producerId);
    pending.delete(end.producerId);
  });
  const dirtyFrom = Math.min(entries.length, ...open.values());
  entries.forEach(({ record }, at) => {
    if (record !== null && at < dirtyFrom && !aborted.has(at)) last.set(record.key.join(), at);
  });
  return entries.filter(
    ({ record }, at) =>
      record === null || at >= dirtyFrom || (!aborted.has(at) && last.get(record.key.join()) === at),
  );
}

test('random histories: fetched offsets follow from the log, here, on the next coordinator, after compaction', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
      const world = new TxnWorld({}, {}, seed);
      const random = seededRandom(seed);
      const pick = (bound: number) => random.u32() % bound;
      world.autoWrite = false;
      for (let i = 0; i < 120; i++) {
        const groupId = `g${pick(2)}`;
        const partition = pick(3);
        const kind = pick(16);
        if (kind < 5) world.txnCommit(pick(3), i, { groupId, partition });
        else if (kind < 8) world.commit(i, { groupId, partition });
        else if (kind < 11) world.end(pick(3), pick(2) === 0 ? 'commit' : 'abort');
        else if (kind === 11) world.send((token) => ({ type: 'deleteGroup', token, groupId }));
        else if (kind === 12) {
          const topics = [{ name: 't', partitions: [{ partitionIndex: partition }] }];
          world.send((token) => ({ type: 'deleteOffsets', token, request: { groupId, topics } }));
        } else if (kind === 13 && world.writes.length > 0) world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
        while (world.writes.length > 0 && pick(3) > 0) world.written();
      }
      while (world.writes.length > 0) world.written();
      const next = world.replay();
      const after = world.replay(compacted(world.entries));
      for (const groupId of ['g0', 'g1']) {
        for (const partition of [0, 1, 2]) {
          const wanted = expected(world.entries, groupId, partition);
          expect(world.fetch(false, partition, groupId)).toBe(wanted);
          for (const shard of [next, after]) expect(fetched(shard, false, partition, groupId)).toBe(wanted);
          const stable = world.fetch(true, partition, groupId);
          for (const shard of [next, after]) expect(fetched(shard, true, partition, groupId)).toBe(stable);
        }
      }
    }),
    { numRuns: 500, seed: 20_261_128, verbose: 1 },
  );
});
