/**
 * Our own client with isolation level read_committed, checked against a model: several producers write interleaved
 * transactions, and the client begins to read at any offset.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AbortedTransactions } from '../../src/client/aborted-transactions.ts';
import { batches, setBaseOffset } from '../../src/protocol/records/batch.ts';
import { buildBatch } from '../../src/protocol/records/builder.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';

type Action = { readonly producerId: number; readonly kind: 'data' | 'commit' | 'abort' | 'plain' };

interface Log {
  readonly bytes: Uint8Array;
  /** Base offsets of the data batches that a read_committed reader must see. */
  readonly visible: readonly number[];
  readonly aborted: readonly { producerId: number; firstOffset: number; lastOffset: number }[];
}

/**
 * The log that results from the actions. Transactions still open at the end are left out, because they lie above the last
 * stable offset.
 */
function logOf(actions: readonly Action[]): Log {
  const parts: { bytes: Uint8Array; producerId: number; transaction: number }[] = [];
  const aborted: { producerId: number; firstOffset: number; lastOffset: number }[] = [];
  const open = new Map<number, number>();
  const fates = new Map<number, 'commit' | 'abort'>();
  for (const { producerId, kind } of actions) {
    const offset = parts.length;
    const producer = { producerId, producerEpoch: 0 };
    if (kind === 'plain') {
      parts.push({ bytes: recordsOf({}), producerId: -1, transaction: -1 });
    } else if (kind === 'data') {
      if (!open.has(producerId)) open.set(producerId, offset);
      const transaction = open.get(producerId) as number;
      parts.push({ bytes: recordsOf({ ...producer, isTransactional: true }), producerId, transaction });
    } else {
      const firstOffset = open.get(producerId);
      if (firstOffset === undefined) continue;
      open.delete(producerId);
      fates.set(firstOffset, kind);
      const marker = { type: kind, coordinatorEpoch: 0, timestamp: 1, ...producer };
      parts.push({ bytes: endTransactionBatch(marker), producerId, transaction: -2 });
      if (kind === 'abort') aborted.push({ producerId, firstOffset, lastOffset: offset });
    }
  }
  const stable = Math.min(parts.length, ...open.values());
  const kept = parts.slice(0, stable);
  kept.forEach(({ bytes }, offset) => setBaseOffset(bytes, 0, offset));
  const visible = kept.flatMap(({ transaction }, offset) =>
    transaction === -1 || fates.get(transaction) === 'commit' ? [offset] : [],
  );
  return { bytes: Buffer.concat(kept.map(({ bytes }) => bytes)), visible, aborted };
}

function recordsOf(options: {
  producerId?: number;
  producerEpoch?: number;
  isTransactional?: boolean;
}): Uint8Array {
  return buildBatch({
    records: [{ key: null, value: Buffer.from('x'), timestamp: 1 }],
    baseSequence: 0,
    ...options,
  });
}

function seen({ bytes, aborted }: Log, from: number): number[] {
  // A broker lists every aborted transaction that overlaps the returned records, in any order.
  const overlapping = aborted.filter(({ lastOffset }) => lastOffset >= from).reverse();
  const filter = new AbortedTransactions(overlapping);
  const { headers } = batches(bytes);
  return headers
    .filter((batch) => batch.baseOffset >= from && !filter.skips(batch))
    .map(({ baseOffset }) => baseOffset);
}

test('records of a committed transaction are read after an aborted one of the same producer', () => {
  const log = logOf([
    { producerId: 7, kind: 'data' },
    { producerId: 7, kind: 'abort' },
    { producerId: 7, kind: 'data' },
    { producerId: 7, kind: 'commit' },
  ]);
  expect(seen(log, 0)).toEqual([2]);
});

test('all records are read except those of aborted transactions, from any offset', () => {
  const action = fc.record({
    producerId: fc.integer({ min: 1, max: 3 }),
    kind: fc.constantFrom(
      'data' as const,
      'data' as const,
      'commit' as const,
      'abort' as const,
      'plain' as const,
    ),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), fc.nat(40), (actions, from) => {
      const log = logOf(actions);
      expect(seen(log, from)).toEqual(log.visible.filter((offset) => offset >= from));
    }),
  );
});
