import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fetchScope } from '../../src/broker/api/records/fetch-scope.ts';
import {
  type FetchedPartition,
  FetchSession,
  FetchSessionCache,
  nextEpoch,
  partitionKey,
  sessionDefaults,
} from '../../src/broker/fetch-session.ts';
import { create } from '../../src/protocol/codec/codec.ts';
import { FetchRequest } from '../../src/protocol/messages/records/01-fetch.ts';

function partition(topic: string, index: number, fetchOffset = 0): FetchedPartition {
  return {
    topic,
    topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
    index,
    fetchOffset,
    maxBytes: 1,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    highWatermark: -1,
    logStartOffset: -1,
  };
}

function partitions(count: number): Map<string, FetchedPartition> {
  return new Map(Array.from({ length: count }, (_, i) => [partitionKey('t', '', i), partition('t', i)]));
}

function cache(slotsMax: number, partitionsMax = 1_000): FetchSessionCache {
  let next = 1;
  return new FetchSessionCache({ slotsMax, partitionsMax, evictionMs: 100, random: () => next++ });
}

describe('the cache of fetch sessions', () => {
  test('wraps session epochs to 1, because 0 begins a session', () => {
    expect(nextEpoch(1)).toBe(2);
    expect(nextEpoch(2147483647)).toBe(1);
  });

  test('evicts the least recently used session, once it is stale', () => {
    const sessions = cache(2);
    const a = sessions.create(false, partitions(5), 0) as FetchSession;
    const b = sessions.create(false, partitions(5), 0) as FetchSession;
    expect(sessions.create(false, partitions(5), 50)).toBeNull();
    expect(sessions.use(a.id, 1, false, 90)).toBe(a);
    const c = sessions.create(false, partitions(5), 150);
    expect(c).not.toBeNull();
    expect(sessions.use(b.id, 1, false, 150)).toMatchObject({ code: 70 });
    expect(sessions.use(a.id, 2, false, 150)).toBe(a);
  });

  test('evicts a smaller session that is old enough for a larger one', () => {
    const sessions = cache(1);
    const small = sessions.create(false, partitions(2), 0) as FetchSession;
    sessions.use(small.id, 1, false, 90);
    expect(sessions.create(false, partitions(9), 95)).toBeNull();
    sessions.use(small.id, 2, false, 140);
    expect(sessions.create(false, partitions(2), 150)).toBeNull();
    expect(sessions.create(false, partitions(9), 150)).not.toBeNull();
    expect(sessions.size).toBe(1);
  });

  test('holds no more than partitionsMax partitions by default', () => {
    const { partitionsMax, evictionMs } = sessionDefaults;
    const sessions = new FetchSessionCache({ slotsMax: 10, partitionsMax, evictionMs, random: () => 1 });
    expect(sessions.create(false, partitions(200_001), 0)).toBeNull();
    const session = sessions.create(false, partitions(200_000), 0) as FetchSession;
    expect(sessions.put(session, partition('one more', 0))).toBe(false);
  });

  test('never exceeds the bounds of sessions and of partitions', () => {
    const step = fc.record({
      count: fc.integer({ min: 0, max: 12 }),
      waitMs: fc.integer({ min: 0, max: 80 }),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const sessions = cache(4, 20);
        let nowMs = 0;
        let last = 0;
        for (const { count, waitMs, remove } of steps) {
          nowMs += waitMs;
          if (remove) sessions.remove(last);
          else last = sessions.create(false, partitions(count), nowMs)?.id ?? last;
          expect(sessions.size).toBeLessThanOrEqual(4);
          expect(sessions.partitionCount).toBeLessThanOrEqual(20);
        }
      }),
    );
  });
});

describe('a fetch session', () => {
  const ask = (
    sessions: FetchSessionCache,
    sessionId: number,
    sessionEpoch: number,
    topic: string,
    from: number,
    count: number,
  ) =>
    fetchScope(
      sessions,
      create(FetchRequest, {
        maxWaitMs: 0,
        minBytes: 0,
        sessionId,
        sessionEpoch,
        topics: [
          {
            topic,
            partitions: Array.from({ length: count }, (_, i) => ({
              partition: from + i,
              fetchOffset: 0,
              partitionMaxBytes: 1,
            })),
          },
        ],
        forgottenTopicsData: [],
      }),
      12,
      0,
    );

  test('that grows beyond the bound of partitions ends: the request is answered in full, with session id 0', () => {
    const sessions = cache(4, 20);
    const first = ask(sessions, 0, 0, 'nowhere', 0, 15);
    const id = 'error' in first ? 0 : (first.session?.id ?? 0);
    expect(id).not.toBe(0);
    const scope = ask(sessions, id, 1, 'nowhere', 15, 200_000);
    expect(scope).toMatchObject({ session: null, incremental: false });
    expect('error' in scope ? 0 : scope.partitions.length).toBe(200_015);
    expect([sessions.size, sessions.partitionCount]).toEqual([0, 0]);
  });

  test('does not remember names that are invalid for topics', () => {
    const sessions = cache(4, 20);
    expect(ask(sessions, 0, 0, 'x'.repeat(250), 0, 1)).toMatchObject({ session: null });
    expect(sessions.partitionCount).toBe(0);
  });
});

describe('incremental fetches', () => {
  test('leave in the session the partitions and offsets that the client last asked for', () => {
    const change = fc.record({
      put: fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 99 })), {
        maxLength: 4,
      }),
      forget: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 25 }), (changes) => {
        const sessions = cache(3);
        const wanted = new Map<number, number>([[0, 0]]);
        let sessionId = 0;
        let sessionEpoch = 0;
        const ask = (put: readonly (readonly [number, number])[], forget: readonly number[]) =>
          fetchScope(
            sessions,
            create(FetchRequest, {
              maxWaitMs: 0,
              minBytes: 0,
              sessionId,
              sessionEpoch,
              topics: put.map(([index, fetchOffset]) => ({
                topic: 't',
                partitions: [{ partition: index, fetchOffset, partitionMaxBytes: 1 }],
              })),
              forgottenTopicsData: [{ topic: 't', partitions: [...forget] }],
            }),
            12,
            0,
          );
        for (const { put, forget } of changes) {
          const isNew = sessionId === 0;
          const scope = isNew ? ask([...wanted], []) : ask(put, forget);
          if ('error' in scope) throw new Error(scope.error.name);
          if (!isNew) {
            for (const [index, offset] of put) wanted.set(index, offset);
            for (const index of forget) wanted.delete(index);
          }
          const held = new Map(scope.partitions.map(({ index, fetchOffset }) => [index, fetchOffset]));
          expect(held).toEqual(wanted);
          expect(sessions.partitionCount).toBe(wanted.size);
          // Serving a partition changes the order of the partitions, but not which partitions the session has.
          if (scope.session !== null)
            for (const served of scope.partitions.slice(0, 2)) scope.session.moveToEnd(served);
          sessionId = scope.session?.id ?? 0;
          sessionEpoch = sessionId === 0 ? 0 : nextEpoch(sessionEpoch);
          if (sessionId === 0) wanted.set(0, 0);
        }
      }),
    );
  });
});
