/** The responses of the transaction coordinator to requests. The error codes are those of Kafka 4.3. */
import { describe, expect, test } from 'vitest';
import { Errors } from '../../src/protocol/errors.ts';
import { verifyPartitions } from '../../src/txn/add-partitions.ts';
import type { TransactionVersion } from '../../src/txn/transaction.ts';
import { transitionWaitMs, waitingPerIdMax } from '../../src/txn/waiting.ts';
import { errorName, namesOf, Producer, World } from './harness.ts';

const versions: readonly TransactionVersion[] = [0, 1, 2];

function errorOfInit(world: World, request: Parameters<World['init']>[0]): string {
  const answer = world.response(world.init(request));
  return answer === undefined ? 'waits' : errorName(answer);
}

describe('InitProducerId', () => {
  test.each([
    [{ transactionalId: '' }, 'INVALID_REQUEST'],
    [{ transactionTimeoutMs: 0 }, 'INVALID_TRANSACTION_TIMEOUT'],
    [{ transactionTimeoutMs: -1 }, 'INVALID_TRANSACTION_TIMEOUT'],
    [{ transactionTimeoutMs: 900_001 }, 'INVALID_TRANSACTION_TIMEOUT'],
    [{ transactionTimeoutMs: 900_000 }, 'NONE'],
    [{ producerId: 5 }, 'INVALID_REQUEST'],
    [{ producerEpoch: 5 }, 'INVALID_REQUEST'],
    [{ enable2Pc: true }, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
  ])('%o is answered %s', (request, expected) => {
    expect(errorOfInit(new World(), request)).toBe(expected);
  });

  test('a new transactional id gets a new producer id and epoch 0, the next producer the next epoch', () => {
    const world = new World();
    expect(world.response(world.init())).toEqual({ errorCode: 0, producerId: 100, producerEpoch: 0 });
    expect(world.response(world.init())).toEqual({ errorCode: 0, producerId: 100, producerEpoch: 1 });
    expect(world.response(world.init({ transactionalId: 'u' }))).toEqual({
      errorCode: 0,
      producerId: 101,
      producerEpoch: 0,
    });
  });

  test('waits for a producer id, and returns the error when there is none', () => {
    const world = new World();
    world.autoProducerId = false;
    const first = world.init();
    const second = world.init({ transactionalId: 'u' });
    expect(world.producerIdsWanted).toBe(2);
    expect(world.response(first)).toBeUndefined();
    world.step({ type: 'noProducerId', error: Errors.COORDINATOR_LOAD_IN_PROGRESS });
    expect(errorName(world.response(first) ?? { errorCode: 0 })).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    world.giveProducerId();
    expect(world.response(second)?.producerId).toBe(100);
  });

  test('aborts an open transaction, and fences the former producer', () => {
    for (const version of versions) {
      const world = new World(version);
      const old = world.producer();
      expect(old.add('a-0')).toBe('NONE');
      expect(errorOfInit(world, {})).toBe('CONCURRENT_TRANSACTIONS');
      expect(world.current().state).toBe('CompleteAbort');
      expect(old.add('a-1')).toBe('PRODUCER_FENCED');
      // With version 2 the abort has incremented the epoch once, as the producer's own EndTxn would have done.
      expect(old.commit()).toBe(version === 2 ? 'INVALID_TXN_STATE' : 'PRODUCER_FENCED');
      const answer = world.response(world.init());
      expect(answer).toEqual({ errorCode: 0, producerId: 100, producerEpoch: 2 });
      expect(old.commit()).toBe('PRODUCER_FENCED');
    }
  });

  test('increments the epoch of a known producer, repeats the response to a retry, and fences others', () => {
    const world = new World();
    const { producerId, epoch } = world.producer();
    const own = { producerId, producerEpoch: epoch };
    expect(world.response(world.init(own))?.producerEpoch).toBe(1);
    expect(world.response(world.init(own))?.producerEpoch).toBe(1);
    expect(errorOfInit(world, { producerId: 7, producerEpoch: 0 })).toBe('PRODUCER_FENCED');
    expect(world.response(world.init())?.producerEpoch).toBe(2);
    // Another producer has taken over, so the same request is no longer a retry.
    expect(errorOfInit(world, own)).toBe('PRODUCER_FENCED');
    expect(errorOfInit(world, { producerId, producerEpoch: 1 })).toBe('PRODUCER_FENCED');
  });

  test('after the last epoch the next producer, and its retry, get a new producer id', () => {
    const world = new World();
    world.producer();
    world.shard.entries.get('t')!.current = { ...world.current(), producerEpoch: 32_766 };
    const own = { producerId: 100, producerEpoch: 32_766 };
    const next = { errorCode: 0, producerId: 101, producerEpoch: 0 };
    expect(world.response(world.init(own))).toEqual(next);
    expect(world.response(world.init(own))).toEqual(next);
    expect(world.response(world.init())).toEqual({ ...next, producerEpoch: 1 });
  });

  test('is answered when its record is committed, not before', () => {
    const world = new World();
    world.autoWrite = false;
    const token = world.init();
    expect(world.response(token)).toBeUndefined();
    expect(world.shard.entries.get('t')?.current).toBeNull();
    world.written();
    expect(world.response(token)?.producerEpoch).toBe(0);
  });

  test('a failed write of a new transactional id leaves no entry', () => {
    const world = new World();
    world.autoWrite = false;
    const token = world.init();
    world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    expect(errorName(world.response(token)!)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(world.shard.entries.size).toBe(0);
  });
});

describe('AddPartitionsToTxn', () => {
  test('refuses unknown transactional ids, wrong producer ids and wrong epochs', () => {
    const world = new World();
    const producer = world.producer();
    const who = (id: string, producerId: number, producerEpoch: number) =>
      new Producer(world, id, { errorCode: 0, producerId, producerEpoch });
    expect(who('', 100, 0).add('a-0')).toBe('INVALID_REQUEST');
    expect(who('u', 100, 0).add('a-0')).toBe('INVALID_PRODUCER_ID_MAPPING');
    expect(who('t', 99, 0).add('a-0')).toBe('INVALID_PRODUCER_ID_MAPPING');
    expect(who('t', 100, 1).add('a-0')).toBe('PRODUCER_FENCED');
    expect(producer.add('a-0')).toBe('NONE');
  });

  test('does not write partitions that are already in the transaction', () => {
    const world = new World();
    const producer = world.producer();
    producer.add('a-0', 'a-1');
    const { length } = world.log;
    expect(producer.add('a-1')).toBe('NONE');
    expect(world.log.length).toBe(length);
    world.advance(5);
    producer.add('b-0');
    expect(namesOf(world.current().partitions)).toEqual(['a-0', 'a-1', 'b-0']);
    expect(world.current().startMs).toBe(1_700_000_000_000);
  });

  test('waits for pending markers, then gets CONCURRENT_TRANSACTIONS', () => {
    for (const version of versions) {
      const world = new World(version);
      world.autoMark = false;
      const producer = world.producer();
      producer.add('a-0');
      expect(producer.commit()).toBe('NONE');
      const early = producer.askToAdd('a-1');
      world.advance(transitionWaitMs - 1);
      expect(world.response(early)).toBeUndefined();
      world.advance(1);
      expect(errorName(world.response(early)!)).toBe('CONCURRENT_TRANSACTIONS');
      const late = producer.askToAdd('a-2');
      world.mark();
      expect(errorName(world.response(late)!)).toBe('NONE');
      expect(namesOf(world.current().partitions)).toEqual(['a-2']);
    }
  });

  test('concurrent requests are carried out one after the other', () => {
    const world = new World();
    const producer = world.producer();
    world.autoWrite = false;
    const tokens = ['a-0', 'a-1', 'a-0'].map((name) => producer.askToAdd(name));
    world.written();
    world.written();
    expect(tokens.map((token) => errorName(world.response(token)!))).toEqual(['NONE', 'NONE', 'NONE']);
    expect(world.writes).toEqual([]);
    expect(namesOf(world.current().partitions)).toEqual(['a-0', 'a-1']);
  });

  test('at most waitingPerIdMax requests of one transactional id are pending', () => {
    const world = new World();
    const producer = world.producer();
    world.autoWrite = false;
    producer.askToAdd('a-0');
    const tokens = Array.from({ length: waitingPerIdMax + 1 }, (_, i) => producer.askToAdd(`b-${i}`));
    expect(errorName(world.response(tokens.at(-1)!)!)).toBe('CONCURRENT_TRANSACTIONS');
    expect(world.response(tokens.at(-2)!)).toBeUndefined();
  });

  test('verification finds committed partitions only, and returns an error by which the producer can act', () => {
    const world = new World();
    const producer = world.producer();
    producer.add('a-0');
    const who = { transactionalId: 't', producerId: 100, producerEpoch: 0 };
    const verify = (change: Partial<typeof who> = {}, partition = 0) =>
      verifyPartitions(world.shard, { ...who, ...change })('a', partition).name;
    expect(verify()).toBe('NONE');
    expect(verify({}, 1)).toBe('TRANSACTION_ABORTABLE');
    expect(verify({ transactionalId: '' })).toBe('INVALID_REQUEST');
    expect(verify({ transactionalId: 'u' })).toBe('INVALID_PRODUCER_ID_MAPPING');
    expect(verify({ producerId: 1 })).toBe('INVALID_PRODUCER_ID_MAPPING');
    expect(verify({ producerEpoch: 1 })).toBe('PRODUCER_FENCED');
    world.autoWrite = false;
    producer.askToAdd('a-1');
    expect(verify({}, 1)).toBe('TRANSACTION_ABORTABLE');
    world.autoWrite = true;
    world.written();
    expect(verify({}, 1)).toBe('NONE');
    world.autoMark = false;
    producer.commit();
    expect(verify({ producerEpoch: 1 })).toBe('CONCURRENT_TRANSACTIONS');
  });
});

describe('EndTxn', () => {
  test('refuses unknown transactional ids, wrong producer ids and wrong epochs', () => {
    for (const version of versions) {
      const world = new World(version);
      world.producer();
      const who = (id: string, producerId: number, producerEpoch: number) =>
        new Producer(world, id, { errorCode: 0, producerId, producerEpoch });
      expect(who('', 100, 0).commit()).toBe('INVALID_REQUEST');
      expect(who('u', 100, 0).commit()).toBe('INVALID_PRODUCER_ID_MAPPING');
      expect(who('t', 99, 0).commit()).toBe('INVALID_PRODUCER_ID_MAPPING');
      expect(who('t', 100, 1).commit()).toBe('PRODUCER_FENCED');
    }
  });

  test('versions 0 and 1: a retry is accepted when the state is the one that it asks for', () => {
    const world = new World(0);
    const producer = world.producer();
    expect(producer.commit()).toBe('INVALID_TXN_STATE');
    expect(producer.abort()).toBe('INVALID_TXN_STATE');
    producer.add('a-0');
    world.autoMark = false;
    expect(producer.commit()).toBe('NONE');
    expect(producer.commit()).toBe('CONCURRENT_TRANSACTIONS');
    expect(producer.abort()).toBe('INVALID_TXN_STATE');
    world.mark();
    expect(producer.commit()).toBe('NONE');
    expect(producer.abort()).toBe('INVALID_TXN_STATE');
    expect(producer.epoch).toBe(0);
  });

  /**
   * Kafka's table for states without a transaction in progress: the request has the previous epoch (a retry) or the present
   * one, and aborts or commits.
   */
  test.each([
    ['Empty', 'PRODUCER_FENCED', 'NONE', 'PRODUCER_FENCED', 'INVALID_TXN_STATE'],
    ['CompleteAbort', 'NONE', 'NONE', 'INVALID_TXN_STATE', 'INVALID_TXN_STATE'],
    ['CompleteCommit', 'INVALID_TXN_STATE', 'NONE', 'NONE', 'INVALID_TXN_STATE'],
  ])(
    'version 2, state %s: retry and new end, abort and commit, are answered as in Kafka',
    (state, abortRetry, abort, commitRetry, commit) => {
      const end = (epochsBack: number, committed: boolean): string => {
        const world = new World();
        const producer = world.producer();
        if (state === 'Empty') world.response(world.init({ producerId: 100, producerEpoch: 0 }));
        else {
          producer.add('a-0');
          if (state === 'CompleteCommit') producer.commit();
          else producer.abort();
        }
        expect(world.current()).toMatchObject({ state, producerEpoch: 1 });
        const epoch = 1 - epochsBack;
        const again = new Producer(world, 't', { errorCode: 0, producerId: 100, producerEpoch: epoch });
        const name = committed ? again.commit() : again.abort();
        const isNewEnd = name === 'NONE' && epochsBack === 0;
        expect(world.current().producerEpoch).toBe(isNewEnd ? 2 : 1);
        if (name === 'NONE') expect(again.epoch).toBe(isNewEnd ? 2 : 1);
        return name;
      };
      expect([end(1, false), end(0, false), end(1, true), end(0, true)]).toEqual([
        abortRetry,
        abort,
        commitRetry,
        commit,
      ]);
    },
  );

  test('version 2: while markers are pending, a retry gets CONCURRENT_TRANSACTIONS, the new epoch is fenced', () => {
    const world = new World();
    const producer = world.producer();
    const retry = new Producer(world, 't', { errorCode: 0, producerId: 100, producerEpoch: 0 });
    producer.add('a-0');
    world.autoMark = false;
    producer.commit();
    expect(retry.commit()).toBe('CONCURRENT_TRANSACTIONS');
    expect(retry.abort()).toBe('INVALID_TXN_STATE');
    expect(producer.commit()).toBe('PRODUCER_FENCED');
  });

  test('version 2: the end of a transaction with the last epoch gives a new producer id, also to a retry', () => {
    const world = new World();
    const producer = world.producer();
    const entry = world.shard.entries.get('t')!;
    entry.current = { ...world.current(), producerEpoch: 32_766 };
    producer.epoch = 32_766;
    const retry = new Producer(world, 't', { errorCode: 0, producerId: 100, producerEpoch: 32_766 });
    producer.add('a-0');
    expect(producer.commit()).toBe('NONE');
    expect(producer).toMatchObject({ producerId: 101, epoch: 0 });
    expect(world.current()).toMatchObject({
      producerId: 101,
      previousProducerId: 100,
      state: 'CompleteCommit',
    });
    expect(retry.commit()).toBe('NONE');
    expect(retry).toMatchObject({ producerId: 101, epoch: 0 });
    expect(producer.add('a-0')).toBe('NONE');
  });

  test('is answered, and its markers are sent, when its record is committed, not before', () => {
    const world = new World();
    const producer = world.producer();
    producer.add('a-0', 'b-1');
    world.autoWrite = false;
    world.autoMark = false;
    const token = producer.askToEnd(true);
    expect(world.response(token)).toBeUndefined();
    expect(world.rounds).toEqual([]);
    world.written();
    expect(world.response(token)).toEqual({ errorCode: 0, producerId: 100, producerEpoch: 1 });
    expect(world.rounds).toMatchObject([
      { producerId: 100, producerEpoch: 1, commit: true, clientVersion: 2 },
    ]);
    expect(namesOf(world.rounds[0]!.partitions)).toEqual(['a-0', 'b-1']);
  });

  test('when the write of its record fails, the transaction stays open', () => {
    const world = new World();
    const producer = world.producer();
    producer.add('a-0');
    world.autoWrite = false;
    const token = producer.askToEnd(true);
    world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    expect(errorName(world.response(token)!)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(world.current().state).toBe('Ongoing');
    world.autoWrite = true;
    expect(producer.abort()).toBe('NONE');
  });

  test('while it is unknown whether its record is committed, other requests get CONCURRENT_TRANSACTIONS', () => {
    const world = new World();
    const producer = world.producer();
    producer.add('a-0');
    world.autoWrite = false;
    const token = producer.askToEnd(true);
    const { id: writeId } = world.writes[0]!;
    world.step({ type: 'timedOut', writeId, error: Errors.COORDINATOR_NOT_AVAILABLE });
    expect(errorName(world.response(token)!)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(producer.abort()).toBe('CONCURRENT_TRANSACTIONS');
    world.autoWrite = true;
    world.written();
    expect(world.current().state).toBe('CompleteCommit');
  });
});
