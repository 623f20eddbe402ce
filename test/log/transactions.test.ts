/**
 * Transactions in one log: what may begin one (KIP-890), what may end one, and which of its records a read_committed reader
 * sees.
 */
import { describe, expect, test } from 'vitest';
import { Errors, KafkaError } from '../../src/protocol/errors.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { Bench, batchOf, client } from './harness.ts';

const producerId = 7;
const coordinator = { origin: 'coordinator', requestVersion: 13 } as const;
const request = { producerId, producerEpoch: 0, sequence: 0, supportsEpochBump: false };

function data(sequence: number, producerEpoch = 0): Uint8Array {
  return batchOf(['value'], { producerId, producerEpoch, baseSequence: sequence, isTransactional: true });
}

function end(type: 'commit' | 'abort', producerEpoch = 0, coordinatorEpoch = 1): Uint8Array {
  return endTransactionBatch({
    type,
    coordinatorEpoch,
    producerId,
    producerEpoch,
    timestamp: 1_700_000_000_000,
  });
}

/** Returns the first offset of an append, or the name of its error. */
function outcome(append: () => { readonly info: { readonly firstOffset: number } }): string | number {
  try {
    return append().info.firstOffset;
  } catch (error) {
    if (error instanceof KafkaError) return error.error.name;
    throw error;
  }
}

function appendData(log: PartitionLog, sequence: number, options: object = {}, epoch = 0): string | number {
  return outcome(() => log.appendAsLeader(data(sequence, epoch), 0, { ...client, ...options }));
}

function appendEnd(
  log: PartitionLog,
  epoch: number,
  transactionVersion: number,
  coordinatorEpoch = 1,
): string | number {
  const marker = end('commit', epoch, coordinatorEpoch);
  return outcome(() => log.appendAsLeader(marker, 0, { ...coordinator, transactionVersion }));
}

async function newLog(): Promise<PartitionLog> {
  return new Bench().create();
}

describe('verification', () => {
  test('the first batch of a transaction needs a verification, later ones need none', async () => {
    const log = await newLog();
    expect(appendData(log, 0)).toBe(Errors.INVALID_TXN_STATE.name);
    const verification = log.beginVerification(request);
    expect(verification).not.toBeNull();
    expect(appendData(log, 0, { verification })).toBe(0);
    expect(log.beginVerification(request)).toBeNull();
    expect(appendData(log, 1)).toBe(1);
  });

  test('a verification is invalid after a marker has ended the transaction', async () => {
    const log = await newLog();
    const verification = log.beginVerification(request);
    expect(appendEnd(log, 0, 1)).toBe(0);
    expect(appendData(log, 0, { verification })).toBe(Errors.INVALID_TXN_STATE.name);
  });

  test("version 2: a verification stays valid after the previous transaction's marker, not after its own", async () => {
    const log = await newLog();
    const next = { ...request, producerEpoch: 1, supportsEpochBump: true };
    const verification = log.beginVerification(next);
    expect(appendEnd(log, 1, 2)).toBe(0);
    expect(appendData(log, 0, { verification }, 1)).toBe(1);
    const aborted = log.beginVerification({ ...next, producerEpoch: 2 });
    expect(appendEnd(log, 3, 2)).toBe(2);
    expect(appendData(log, 0, { verification: aborted }, 3)).toBe(Errors.INVALID_TXN_STATE.name);
  });

  test('concurrent batches share a verification; the first append must have the lowest sequence', async () => {
    const log = await newLog();
    const first = log.beginVerification({ ...request, sequence: 3 });
    const second = log.beginVerification({ ...request, sequence: 0 });
    expect(second).toBe(first);
    expect(appendData(log, 3, { verification: first })).toBe(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER.name);
    expect(appendData(log, 0, { verification: second })).toBe(0);
  });

  test('a newer producer epoch has a verification with its own lowest sequence', async () => {
    const log = await newLog();
    log.beginVerification({ ...request, sequence: 0 });
    const verification = log.beginVerification({ ...request, producerEpoch: 1, sequence: 2 });
    expect(appendData(log, 2, { verification }, 1)).toBe(0);
  });

  test('offsets that the group coordinator writes need a verification as well', async () => {
    const log = await newLog();
    expect(appendData(log, -1, coordinator)).toBe(Errors.INVALID_TXN_STATE.name);
    const verification = log.beginVerification({ ...request, sequence: -1 });
    expect(appendData(log, -1, { ...coordinator, verification })).toBe(0);
    expect(appendData(log, -1, coordinator)).toBe(1);
    expect(appendEnd(log, 0, 1)).toBe(2);
    expect(appendData(log, -1, { ...coordinator, verification })).toBe(Errors.INVALID_TXN_STATE.name);
  });

  test('a verification of another producer is invalid', async () => {
    const log = await newLog();
    const verification = log.beginVerification({ ...request, producerId: 8 });
    expect(appendData(log, 0, { verification })).toBe(Errors.INVALID_TXN_STATE.name);
  });

  test('version 2: an unknown producer must begin with sequence 0', async () => {
    const log = await newLog();
    const verification = log.beginVerification({ ...request, sequence: 5, supportsEpochBump: true });
    expect(appendData(log, 5, { verification })).toBe(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER.name);
    const old = log.beginVerification({ ...request, producerId: 9, sequence: 5 });
    const batch = batchOf(['v'], { producerId: 9, producerEpoch: 0, baseSequence: 5, isTransactional: true });
    expect(outcome(() => log.appendAsLeader(batch, 0, { ...client, verification: old }))).toBe(0);
  });

  test('a duplicate is detected before its transaction is checked', async () => {
    const log = await newLog();
    expect(appendData(log, 0, { verification: 'off' })).toBe(0);
    expect(appendEnd(log, 0, 1)).toBe(1);
    expect(appendData(log, 0)).toBe(0);
  });

  test('an unused verification expires with its producer', async () => {
    const bench = new Bench();
    const log = await bench.create();
    const verification = log.beginVerification(request);
    bench.clock.nowMs += 1_000;
    log.expireProducers(1_000);
    expect(appendData(log, 0, { verification })).toBe(Errors.INVALID_TXN_STATE.name);
  });
});

describe('markers', () => {
  test.each([
    // transaction version, epoch of the marker, whether a transaction of epoch 3 is open, error name or offset of the marker
    [1, 2, true, Errors.INVALID_PRODUCER_EPOCH.name],
    [1, 3, true, 1],
    [1, 3, false, 2],
    [1, 4, true, 1],
    [2, 2, true, Errors.INVALID_PRODUCER_EPOCH.name],
    [2, 3, true, Errors.INVALID_PRODUCER_EPOCH.name],
    [2, 3, false, 2],
    [2, 4, true, 1],
  ])('version %i, epoch %i, open: %s', async (version, epoch, isOpen, expected) => {
    const log = await newLog();
    expect(appendData(log, 0, { verification: 'off' }, 3)).toBe(0);
    if (!isOpen) expect(appendEnd(log, 3, 1)).toBe(1);
    expect(appendEnd(log, epoch, version)).toBe(expected);
  });

  test('version 2: a marker with the last epoch ends a transaction of the same epoch', async () => {
    const log = await newLog();
    expect(appendData(log, 0, { verification: 'off' }, 32_767)).toBe(0);
    expect(appendEnd(log, 32_767, 2)).toBe(1);
  });

  test('version 2: a marker fences the epoch of the transaction that it ends', async () => {
    const log = await newLog();
    appendData(log, 0, { verification: 'off' }, 3);
    appendEnd(log, 4, 2);
    expect(appendData(log, 1, { verification: 'off' }, 3)).toBe(Errors.INVALID_PRODUCER_EPOCH.name);
    expect(appendData(log, 0, { verification: 'off' }, 4)).toBe(2);
  });

  test('a marker with an older coordinator epoch is refused', async () => {
    const log = await newLog();
    appendEnd(log, 0, 1, 5);
    expect(appendEnd(log, 0, 1, 4)).toBe(Errors.TRANSACTION_COORDINATOR_FENCED.name);
    expect(appendEnd(log, 0, 1, 5)).toBe(1);
  });
});

describe('last stable offset', () => {
  test('is the start of an open transaction until its marker is below the high watermark', async () => {
    const log = await newLog();
    await log.appendAsLeader(batchOf(['plain']), 0, client).written;
    appendData(log, 0, { verification: 'off' });
    await log.appendAsLeader(batchOf(['plain']), 0, client).written;
    log.setHighWatermark(3);
    expect(log.lastStableOffset).toBe(1);
    await log.appendAsLeader(end('abort'), 0, coordinator).written;
    expect(log.lastStableOffset).toBe(1);
    log.setHighWatermark(4);
    expect(log.lastStableOffset).toBe(4);
    expect(await log.abortedTransactions(0, 4)).toEqual([
      { producerId, firstOffset: 1, lastOffset: 3, lastStableOffset: 4 },
    ]);
  });

  test('is not below the log start offset when records of an open transaction are deleted', async () => {
    const log = await newLog();
    appendData(log, 0, { verification: 'off' });
    await log.appendAsLeader(batchOf(['plain']), 0, client).written;
    log.setHighWatermark(2);
    await log.deleteRecordsTo(1);
    expect(log.lastStableOffset).toBe(1);
  });

  test('a producer with an open transaction does not expire', async () => {
    const bench = new Bench();
    const log = await bench.create();
    appendData(log, 0, { verification: 'off' });
    bench.clock.nowMs += 10_000;
    log.expireProducers(1);
    expect(log.producers()).toMatchObject([{ producerId, currentTxnFirstOffset: 0 }]);
    appendEnd(log, 0, 1);
    bench.clock.nowMs += 10_000;
    log.expireProducers(1);
    expect(log.producers()).toEqual([]);
  });
});

describe('restart', () => {
  const dataOf = (producerId: number, sequence: number, value: string): Uint8Array =>
    batchOf([value], { producerId, producerEpoch: 0, baseSequence: sequence, isTransactional: true });
  const endOf = (producerId: number, type: 'commit' | 'abort'): Uint8Array =>
    endTransactionBatch({
      type,
      coordinatorEpoch: 1,
      producerId,
      producerEpoch: 0,
      timestamp: 1_700_000_000_000,
    });
  const unverified = { ...client, verification: 'off' } as const;

  test.each([true, false])(
    'the last stable offset and aborted transactions are the same afterwards (clean: %s)',
    async (isClean) => {
      const bench = new Bench();
      const log = await bench.create();
      log.appendAsLeader(dataOf(1, 0, 'a'), 0, unverified);
      log.appendAsLeader(dataOf(2, 0, 'b'), 0, unverified);
      log.appendAsLeader(endOf(2, 'abort'), 0, coordinator);
      await log.appendAsLeader(batchOf(['plain']), 0, client).written;
      log.setHighWatermark(4);
      expect(log.lastStableOffset).toBe(0);
      expect(await log.abortedTransactions(0, 4)).toEqual([
        { producerId: 2, firstOffset: 1, lastOffset: 2, lastStableOffset: 0 },
      ]);
      if (isClean) await log.close();
      const again = await bench.reopen({}, { isClean, highWatermark: 4 });
      expect(again.lastStableOffset).toBe(0);
      expect(await again.abortedTransactions(0, 4)).toEqual([
        { producerId: 2, firstOffset: 1, lastOffset: 2, lastStableOffset: 0 },
      ]);
      await again.appendAsLeader(endOf(1, 'commit'), 0, coordinator).written;
      expect(again.lastStableOffset).toBe(0);
      again.setHighWatermark(5);
      expect(again.lastStableOffset).toBe(5);
    },
  );

  test.each([true, false])(
    'the time of an open transaction does not begin again (clean: %s)',
    async (isClean) => {
      const bench = new Bench();
      const log = await bench.create();
      const writtenMs = bench.clock.nowMs - 1_000;
      const inTransaction = { producerId: 1, producerEpoch: 0, isTransactional: true, timestamp: writtenMs };
      const idempotent = { producerId: 2, producerEpoch: 0, baseSequence: 0, timestamp: writtenMs };
      const future = { ...inTransaction, producerId: 3, timestamp: bench.clock.nowMs + 3_000_000 };
      log.appendAsLeader(batchOf(['a'], { ...inTransaction, baseSequence: 0 }), 0, unverified);
      log.appendAsLeader(batchOf(['b'], idempotent), 0, client);
      await log.appendAsLeader(batchOf(['c'], { ...future, baseSequence: 0 }), 0, unverified).written;
      if (isClean) await log.close();
      bench.clock.nowMs += 20 * 60_000;
      const again = await bench.reopen({}, { isClean, highWatermark: 3 });
      const seen = again.producers().map(({ producerId, lastSeenMs }) => [producerId, lastSeenMs]);
      // Producer 1 has an open transaction and keeps the timestamp of its last batch. The time of the restart counts for
      // producer 2, which has none, and for producer 3, whose timestamp lies in the future.
      expect(seen.sort()).toEqual([
        [1, writtenMs],
        [2, bench.clock.nowMs],
        [3, bench.clock.nowMs],
      ]);
    },
  );

  test('aborted transactions of all segments are still known after a power cut', async () => {
    const bench = new Bench();
    const config = { segmentBytes: 400 };
    const log = await bench.create(config);
    for (let i = 0; i < 12; i++) {
      log.appendAsLeader(dataOf(i, 0, 'x'.repeat(100)), 0, unverified);
      await log.appendAsLeader(endOf(i, 'abort'), 0, coordinator).written;
      if (i === 5) await log.flush();
    }
    await log.flush();
    const { logEndOffset, recoveryPoint } = log;
    log.setHighWatermark(logEndOffset);
    const aborted = await log.abortedTransactions(0, logEndOffset);
    expect(aborted).toHaveLength(12);
    bench.disk.powerCut();
    const again = await bench.reopen(config, { isClean: false, recoveryPoint, highWatermark: logEndOffset });
    expect(await again.abortedTransactions(0, logEndOffset)).toEqual(aborted);
  });
});
