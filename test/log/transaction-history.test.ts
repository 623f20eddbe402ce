/**
 * A log keeps track of open and aborted transactions over several segments: tested with reads, restarts, truncation and
 * followers.
 */
import { expect, test } from 'vitest';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import { Bench, batchOf, client } from './harness.ts';

const coordinator = { origin: 'coordinator', requestVersion: 13 } as const;
const unverified = { ...client, verification: 'off' } as const;
const time = 1_700_000_000_000;

const data = (producerId: number, baseSequence: number): Uint8Array =>
  batchOf(['value'], { producerId, producerEpoch: 0, baseSequence, isTransactional: true });
const end = (producerId: number, type: 'commit' | 'abort'): Uint8Array =>
  endTransactionBatch({ type, coordinatorEpoch: 1, producerId, producerEpoch: 0, timestamp: time });

/**
 * Writes five segments. In offsets [0, 2) producers 1 and 2 begin transactions; in [2, 4) 2 aborts and 3 writes; in [4, 6) 1
 * and 3 abort; in [6, 8) 2 writes and aborts another transaction; from 8 on, 1 has an open one.
 */
async function fill(log: PartitionLog): Promise<void> {
  log.appendAsLeader(data(1, 0), 0, unverified);
  log.appendAsLeader(data(2, 0), 0, unverified);
  await log.roll();
  log.appendAsLeader(end(2, 'abort'), 0, coordinator);
  log.appendAsLeader(data(3, 0), 0, unverified);
  await log.roll();
  log.appendAsLeader(end(1, 'abort'), 0, coordinator);
  log.appendAsLeader(end(3, 'abort'), 0, coordinator);
  await log.roll();
  log.appendAsLeader(data(2, 1), 0, unverified);
  log.appendAsLeader(end(2, 'abort'), 0, coordinator);
  await log.roll();
  await log.appendAsLeader(data(1, 1), 0, unverified).written;
}

const first = { producerId: 1, firstOffset: 0, lastOffset: 4, lastStableOffset: 3 };
const second = { producerId: 2, firstOffset: 1, lastOffset: 2, lastStableOffset: 0 };
const third = { producerId: 3, firstOffset: 3, lastOffset: 5, lastStableOffset: 6 };
const fourth = { producerId: 2, firstOffset: 6, lastOffset: 7, lastStableOffset: 8 };

/** Ranges of offsets, each with the aborted transactions that a read of this range must return. */
const ranges = [
  [0, 1, [first]],
  [0, 2, [first, second]],
  [2, 4, [first, second, third]],
  [3, 4, [first, third]],
  [5, 6, [third]],
  [4, 8, [first, third, fourth]],
  [0, 9, [first, second, third, fourth]],
  [8, 9, []],
] as const;

async function expectAll(log: PartitionLog): Promise<void> {
  for (const [from, to, expected] of ranges) {
    expect([from, to, await log.abortedTransactions(from, to)]).toEqual([from, to, expected]);
  }
}

test('a read of any range gets every aborted transaction that overlaps it', async () => {
  const log = await new Bench().create();
  await fill(log);
  log.setHighWatermark(9);
  await expectAll(log);
  expect(log.lastStableOffset).toBe(8);
});

test.each([
  ['a clean shutdown', true, 9],
  ['a crash, all segments to be recovered', false, 0],
  ['a crash, some segments to be recovered', false, 4],
])('the aborted transactions are the same after %s', async (_what, isClean, recoveryPoint) => {
  const bench = new Bench();
  const log = await bench.create();
  await fill(log);
  await log.flush();
  if (isClean) await log.close();
  const again = await bench.reopen({}, { isClean, recoveryPoint, highWatermark: 9 });
  await expectAll(again);
  expect(again.lastStableOffset).toBe(8);
  expect(again.producers().find(({ producerId }) => producerId === 1)).toMatchObject({
    currentTxnFirstOffset: 8,
    coordinatorEpoch: 1,
  });
});

test('after a truncation of markers their transactions are open again, and not aborted', async () => {
  const bench = new Bench();
  const log = await bench.create();
  await fill(log);
  log.setHighWatermark(4);
  await log.truncateTo(4);
  log.setHighWatermark(4);
  expect(await log.abortedTransactions(0, 9)).toEqual([second]);
  expect(log.lastStableOffset).toBe(0);
  await log.appendAsLeader(end(1, 'commit'), 1, coordinator).written;
  log.setHighWatermark(5);
  expect(log.lastStableOffset).toBe(3);
  await log.appendAsLeader(end(3, 'commit'), 1, coordinator).written;
  log.setHighWatermark(6);
  expect(log.lastStableOffset).toBe(6);
  expect(await log.abortedTransactions(0, 9)).toEqual([second]);
  await log.flush();
  const again = await bench.reopen({}, { isClean: false, recoveryPoint: 6, highWatermark: 6 });
  expect(await again.abortedTransactions(0, 9)).toEqual([second]);
  expect(again.lastStableOffset).toBe(6);
});

test('a follower has the same transactions, and detects a duplicate when it becomes leader', async () => {
  const leader = await new Bench().create();
  await fill(leader);
  const follower = await new Bench().create();
  for (let offset = 0; offset < 9; ) {
    const { records, nextOffset } = await leader.read(offset, 1 << 20, 9, true);
    await follower.appendAsFollower(records).written;
    offset = nextOffset;
  }
  follower.setHighWatermark(9);
  await expectAll(follower);
  expect(follower.lastStableOffset).toBe(8);
  const { lastSeenMs: _, ...expected } = leader.producers().find(({ producerId }) => producerId === 1) ?? {
    lastSeenMs: 0,
  };
  expect(follower.producers().find(({ producerId }) => producerId === 1)).toMatchObject(expected);
  expect(follower.appendAsLeader(data(1, 1), 1, unverified).info).toMatchObject({
    firstOffset: 8,
    duplicateOf: 8,
  });
  expect(follower.appendAsLeader(data(3, 0), 1, unverified).info).toMatchObject({ duplicateOf: 3 });
  expect(follower.logEndOffset).toBe(9);
});
