/** The rules of the transaction coordinator about markers, time-outs, and what tools show. */
import { describe, expect, test } from 'vitest';
import { Errors } from '../../src/protocol/errors.ts';
import { describeTransaction, listTransactions } from '../../src/txn/describe.ts';
import type { TransactionVersion } from '../../src/txn/transaction.ts';
import { durable, errorName, namesOf, replayed, World } from './harness.ts';

const versions: readonly TransactionVersion[] = [0, 1, 2];

describe('markers', () => {
  test('a transaction is complete when each of its partitions has its marker', () => {
    const world = new World();
    const producer = world.producer();
    producer.add('a-0', 'a-1', 'b-0');
    world.autoMark = false;
    producer.abort();
    const { round, transactionalId } = world.rounds[0]!;
    const marked = (partitions: ReturnType<typeof describeTransaction>['topics']) =>
      world.step({
        type: 'marked',
        round,
        transactionalId,
        partitions: new Map(partitions.map((one) => [one.topic, new Set(one.partitions)])),
      });
    marked([{ topic: 'a', partitions: [1] }]);
    expect(describeTransaction(world.shard, 't').topics).toEqual([
      { topic: 'a', partitions: [0] },
      { topic: 'b', partitions: [0] },
    ]);
    expect(world.current().state).toBe('PrepareAbort');
    marked([{ topic: 'b', partitions: [0] }]);
    marked([{ topic: 'a', partitions: [0] }]);
    expect(world.current()).toMatchObject({ state: 'CompleteAbort', partitions: new Map() });
  });

  test('markers of an earlier transaction of the same id change nothing', () => {
    const world = new World();
    const producer = world.producer();
    world.autoMark = false;
    producer.add('a-0');
    producer.commit();
    const old = world.rounds[0]!;
    world.mark();
    producer.add('a-0');
    producer.commit();
    world.step({ type: 'marked', transactionalId: 't', round: old.round, partitions: old.partitions });
    expect(world.current().state).toBe('PrepareCommit');
  });

  test('the next coordinator sends all markers again', () => {
    const world = new World();
    const producer = world.producer();
    world.autoMark = false;
    producer.add('a-0', 'a-1');
    producer.commit();
    world.failOver();
    expect(world.rounds.map(({ partitions }) => namesOf(partitions))).toEqual([['a-0', 'a-1']]);
    world.mark();
    expect(world.current().state).toBe('CompleteCommit');
  });

  test('a state CompleteCommit whose write failed is written again', () => {
    const world = new World();
    const producer = world.producer();
    world.autoMark = false;
    producer.add('a-0');
    producer.commit();
    world.autoWrite = false;
    world.mark();
    world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    expect(world.writes).toEqual([]);
    world.advance(100);
    world.written();
    expect(world.current().state).toBe('CompleteCommit');
  });
});

describe('time-outs', () => {
  test('an open transaction is aborted after its time-out, and its producer is fenced', () => {
    for (const version of versions) {
      const world = new World(version);
      const producer = world.producer({ transactionTimeoutMs: 15_000 });
      producer.add('a-0');
      world.advance(19_999);
      expect(world.current().state).toBe('Ongoing');
      world.advance(1);
      expect(world.current()).toMatchObject({ state: 'CompleteAbort', producerEpoch: 1, producerId: 100 });
      expect(producer.commit()).toBe(version === 2 ? 'INVALID_TXN_STATE' : 'PRODUCER_FENCED');
      expect(producer.add('a-0')).toBe('PRODUCER_FENCED');
    }
  });

  test('version 2: the abort of a producer with the last epoch gives it a new producer id', () => {
    const world = new World();
    const producer = world.producer({ transactionTimeoutMs: 1_000 });
    const entry = world.shard.entries.get('t')!;
    entry.current = { ...world.current(), producerEpoch: 32_766 };
    producer.epoch = 32_766;
    producer.add('a-0');
    world.autoProducerId = false;
    world.advance(10_000);
    expect(world.current().state).toBe('Ongoing');
    world.giveProducerId();
    expect(world.current()).toMatchObject({ state: 'CompleteAbort', producerId: 101, producerEpoch: 0 });
  });

  test('a transaction with a start time in the future is aborted after its time-out', () => {
    const world = new World();
    const producer = world.producer({ transactionTimeoutMs: 10_000 });
    producer.add('a-0');
    const entry = world.shard.entries.get('t')!;
    entry.current = {
      ...world.current(),
      startMs: world.now.wallMs + 86_400_000,
    };
    world.advance(10_000);
    expect(world.current().state).toBe('Ongoing');
    world.advance(30_000);
    expect(world.current().state).toBe('CompleteAbort');
    expect(world.notes.at(-1)).toMatchObject({
      message: 'a transaction exceeded its time-out and is aborted',
      fields: { openMs: 20_000, timeoutMs: 10_000 },
    });
  });

  test('two-phase commit has no time-out', () => {
    const world = new World(2, { twoPhaseCommitEnable: true });
    const producer = world.producer({ enable2Pc: true, transactionTimeoutMs: 0 });
    producer.add('a-0');
    world.advance(86_400_000 * 30);
    expect(producer.commit()).toBe('NONE');
  });

  test('a warning names a transaction once when half of its time-out has passed', () => {
    const world = new World();
    const producer = world.producer();
    producer.add('orders-3');
    world.advance(59_000);
    const told = world.notes.filter(({ level }) => level === 'warn');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      message: 'a transaction is open for more than half of its time-out and blocks read_committed consumers',
      fields: { transactionalId: 't', producerId: 100, partitions: ['orders-3'] },
    });
  });

  test('the log line about an open transaction names at most ten of its partitions', () => {
    const world = new World();
    const names = Array.from({ length: 11 }, (_, index) => `orders-${index}`);
    world.producer().add(...names);
    world.advance(59_000);
    expect(world.notes.at(-1)?.fields.partitions).toEqual([...names.slice(0, 10), '…']);
  });

  // Bound: transactional.id.expiration.ms.
  test('an unused transactional id is removed; one with an open transaction is not', () => {
    const world = new World(2, { idExpirationMs: 86_400_000, twoPhaseCommitEnable: true });
    world.producer({ transactionalId: 'unused' });
    const open = world.producer({ transactionalId: 'open', enable2Pc: true });
    open.add('a-0');
    world.advance(86_400_000 - 1);
    expect(world.shard.entries.size).toBe(2);
    world.advance(3_600_001);
    expect([...world.shard.entries.keys()]).toEqual(['open']);
    expect(world.log.at(-1)?.value).toBeNull();
    expect(durable(replayed(world.log, world.config, world.now))).toEqual(durable(world.shard));
  });

  test('a request for an id that is being removed waits, then gets a new producer id', () => {
    const world = new World(2, { idExpirationMs: 1_000 });
    world.producer();
    world.autoWrite = false;
    world.advance(3_600_000);
    const token = world.init();
    world.written();
    world.written();
    expect(world.response(token)).toEqual({ errorCode: 0, producerId: 101, producerEpoch: 0 });
  });
});

test('a coordinator that resigns answers pending requests with NOT_COORDINATOR', () => {
  const world = new World();
  const producer = world.producer();
  world.autoWrite = false;
  world.autoProducerId = false;
  const tokens = [producer.askToAdd('a-0'), producer.askToAdd('a-1'), world.init({ transactionalId: 'u' })];
  world.step({ type: 'resign', error: Errors.NOT_COORDINATOR });
  for (const token of tokens) expect(errorName(world.response(token)!)).toBe('NOT_COORDINATOR');
});

describe('descriptions of transactions', () => {
  test('DescribeTransactions returns the state of a transaction, or an error', () => {
    const world = new World();
    expect(errorName(describeTransaction(world.shard, ''))).toBe('INVALID_REQUEST');
    expect(errorName(describeTransaction(world.shard, 't'))).toBe('TRANSACTIONAL_ID_NOT_FOUND');
    world.producer().add('a-0');
    expect(describeTransaction(world.shard, 't')).toEqual({
      errorCode: 0,
      transactionalId: 't',
      transactionState: 'Ongoing',
      transactionTimeoutMs: 60_000,
      transactionStartTimeMs: 1_700_000_000_000,
      producerId: 100,
      producerEpoch: 0,
      topics: [{ topic: 'a', partitions: [0] }],
    });
  });

  test('ListTransactions filters by state, producer id, duration and pattern', () => {
    const world = new World();
    world.producer({ transactionalId: 'one' }).add('a-0');
    world.producer({ transactionalId: 'two' });
    world.advance(5_000);
    const none = { states: new Set<string>(), producerIds: new Set<number>(), durationMs: -1, matches: null };
    const ids = (filter: Partial<Parameters<typeof listTransactions>[1]>) =>
      listTransactions(world.shard, { ...none, ...filter }, world.now.wallMs).map(
        (one) => one.transactionalId,
      );
    expect(ids({})).toEqual(['one', 'two']);
    expect(ids({ states: new Set(['Ongoing']) })).toEqual(['one']);
    expect(ids({ producerIds: new Set([101]) })).toEqual(['two']);
    expect(ids({ states: new Set(['Ongoing']), durationMs: 4_999 })).toEqual(['one']);
    expect(ids({ states: new Set(['Ongoing']), durationMs: 5_000 })).toEqual([]);
    expect(ids({ matches: (id) => id.startsWith('t') })).toEqual(['two']);
  });
});
