import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RaftLog } from '../../src/raft/log.ts';
import { EpochIndex } from '../../src/raft/epoch-index.ts';
import type { Entry } from '../../src/raft/types.ts';

function entry(offset: number, epoch: number, sizeBytes = 10): Entry {
  return { offset, epoch, kind: 'data', payload: new Uint8Array(sizeBytes), appendedMs: 0 };
}

test('log: a write finished after a truncation does not make the new entries stable (the ABA problem)', () => {
  // The entry at offset 2 is written in epochs 1, 2 and 3; each write replaces the one before.
  const log = new RaftLog(1000);
  const first = log.append([entry(0, 1), entry(1, 1), entry(2, 1)]);
  const second = log.append([entry(2, 2)]);
  const third = log.append([entry(2, 3)]);
  log.persisted(first);
  expect(log.stableEndOffset).toBe(2);
  log.persisted(second);
  expect(log.stableEndOffset).toBe(2);
  log.persisted(third);
  expect(log.stableEndOffset).toBe(3);
});

test('log: entries stay in the cache until they are durable', () => {
  const log = new RaftLog(0);
  const seq = log.append([entry(0, 1), entry(1, 1)]);
  expect(log.cached(0, 2, 1000)?.length).toBe(2);
  log.persisted(seq);
  expect(log.cached(0, 2, 1000)).toBe(null);
  expect(log.epochAt(1)).toBe(1);
});

test('log: an installed snapshot does not move stableEndOffset before it is durable', () => {
  const log = new RaftLog(1000);
  log.persisted(log.append([entry(0, 1)]));
  const seq = log.install(10, 3);
  expect([log.startOffset, log.endOffset, log.stableEndOffset, log.epochAt(9)]).toEqual([10, 10, 0, 3]);
  log.persisted(seq);
  expect(log.stableEndOffset).toBe(10);
});

test('log: random appends, truncations and compactions give the content of a plain array', () => {
  const step = fc.oneof(
    fc.record({
      type: fc.constant('append' as const),
      back: fc.nat(3),
      count: fc.integer({ min: 1, max: 4 }),
      bump: fc.boolean(),
    }),
    fc.record({ type: fc.constant('persist' as const) }),
    fc.record({ type: fc.constant('compact' as const), to: fc.nat(10) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(300), (steps, cacheBytes) => {
      const log = new RaftLog(cacheBytes);
      let model: number[] = [];
      let start = 0;
      let epoch = 1;
      let lastSeq = 0;
      for (const one of steps) {
        if (one.type === 'persist') log.persisted(lastSeq);
        if (one.type === 'compact') {
          log.persisted(lastSeq);
          start = Math.max(start, Math.min(model.length, start + one.to));
          log.compact(start);
        }
        if (one.type === 'append') {
          const from = Math.max(start, model.length - one.back);
          if (one.bump || from < model.length) epoch += 1;
          const entries = Array.from({ length: one.count }, (_, index) => entry(from + index, epoch));
          lastSeq = log.append(entries);
          model = [...model.slice(0, from), ...entries.map((added) => added.epoch)];
        }
        expect(log.endOffset).toBe(model.length);
        expect(log.startOffset).toBe(start);
        for (let offset = Math.max(0, start - 1); offset < model.length; offset++) {
          if (offset < start && start === 0) continue;
          expect(log.epochAt(offset)).toBe(model[offset]);
          const cached = log.cached(offset, model.length, 1);
          if (cached !== null && offset >= start) expect(cached[0]?.epoch).toBe(model[offset]);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('log: endOfEpoch finds the longest prefix of epochs up to the given one', () => {
  const epochs = [1, 1, 2, 2, 2, 5, 7, 7];
  const index = new EpochIndex();
  epochs.forEach((epoch, offset) => index.append(offset, epoch));
  for (let epoch = 0; epoch <= 8; epoch++) {
    for (let limit = 0; limit <= epochs.length; limit++) {
      let end = limit;
      while (end > 0 && (epochs[end - 1] as number) > epoch) end -= 1;
      const expected = { endOffset: end, epoch: end === 0 ? 0 : epochs[end - 1] };
      expect(index.endOfEpoch(epoch, limit)).toEqual(expected);
    }
  }
});
