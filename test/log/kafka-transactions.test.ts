/** Partition directories with open and ended transactions that Apache Kafka wrote. */
import { expect, test } from 'vitest';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import vectors from '../vectors/kafka-transactions-4.3.1.json' with { type: 'json' };
import { Bench } from './harness.ts';

/** Files that a start after a crash can rebuild from the records alone. */
const derived = /\.(snapshot|txnindex|index|timeindex)$/;

async function open(
  files: Readonly<Record<string, string>>,
  isClean: boolean,
  end: number,
): Promise<PartitionLog> {
  const bench = new Bench();
  await bench.fs.makeDirectory('/data');
  await bench.fs.makeDirectory('/data/t-0');
  for (const [name, base64] of Object.entries(files)) {
    if (!isClean && derived.test(name)) continue;
    const file = await bench.fs.open(`/data/t-0/${name}`, 'write');
    await file.write([Buffer.from(base64, 'base64')], 0);
    await file.close();
  }
  return bench.reopen({}, { isClean, recoveryPoint: isClean ? end : 0, highWatermark: end });
}

test.each([true, false])(
  'the last stable offset is the start of an open transaction until its marker (clean: %s)',
  async (isClean) => {
    const log = await open(vectors.open, isClean, 1);
    expect([log.logEndOffset, log.lastStableOffset]).toEqual([1, 0]);
    expect(log.producers()).toMatchObject([
      {
        producerId: 0,
        producerEpoch: 0,
        currentTxnFirstOffset: 0,
        batches: [{ lastSequence: 0, lastOffset: 0 }],
      },
    ]);
    const marker = {
      type: 'abort',
      coordinatorEpoch: 0,
      producerId: 0,
      producerEpoch: 1,
      timestamp: 0,
    } as const;
    const options = { origin: 'coordinator', requestVersion: 13, transactionVersion: 2 } as const;
    await log.appendAsLeader(endTransactionBatch(marker), 1, options).written;
    log.setHighWatermark(2);
    expect(log.lastStableOffset).toBe(2);
    expect(await log.abortedTransactions(0, 2)).toEqual([
      { producerId: 0, firstOffset: 0, lastOffset: 1, lastStableOffset: 2 },
    ]);
  },
);

test.each([true, false])(
  'committed and aborted transactions are distinguished (clean: %s)',
  async (isClean) => {
    const log = await open(vectors.ended, isClean, 6);
    expect([log.logEndOffset, log.lastStableOffset]).toEqual([6, 6]);
    expect(await log.abortedTransactions(0, 6)).toEqual([
      { producerId: 2, firstOffset: 2, lastOffset: 5, lastStableOffset: 6 },
    ]);
    // Each marker of version 2 raised its producer's epoch.
    expect(log.producers()).toMatchObject([
      { producerId: 1, producerEpoch: 1, coordinatorEpoch: 0, currentTxnFirstOffset: null, batches: [] },
      { producerId: 2, producerEpoch: 1, coordinatorEpoch: 0, currentTxnFirstOffset: null, batches: [] },
    ]);
  },
);
