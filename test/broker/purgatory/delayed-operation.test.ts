import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WatchList } from '../../../src/base/watch-list.ts';
import { DelayedOperation, Purgatory } from '../../../src/broker/purgatory/delayed-operation.ts';
import { Purgatories } from '../../../src/broker/purgatory/purgatories.ts';
import { pendingFetchesMax, pendingRequestsMax } from '../../../src/broker/limits.ts';
import { ManualTime, settle } from '../harness.ts';

function operationOf(purgatory: Purgatory, isReady: () => boolean, timeoutMs = 100) {
  const completions: boolean[] = [];
  const changes: (readonly number[] | null)[] = [];
  const operation = new DelayedOperation({
    purgatory,
    timeoutMs,
    tryComplete: (changed) => {
      changes.push(changed === null ? null : [...changed]);
      return isReady();
    },
    onComplete: (isExpired) => completions.push(isExpired),
  });
  return { operation, completions, changes };
}

describe('a delayed operation', () => {
  test('is checked once for all changes of one turn, and gets their keys', async () => {
    const time = new ManualTime();
    const keys = [new WatchList(), new WatchList(), new WatchList()];
    const { operation, changes, completions } = operationOf(new Purgatory(time, 1), () => false);
    operation.start(keys);
    keys[2]?.notify();
    keys[0]?.notify();
    keys[2]?.notify();
    await settle();
    expect(changes).toEqual([null, [2, 0]]);
    expect(completions).toEqual([]);
  });

  test('completes at once when pendingFetchesMax or pendingRequestsMax operations are pending', () => {
    const time = new ManualTime();
    const { fetch, produce, deleteRecords } = new Purgatories(time, new Purgatory(time, 1));
    expect([fetch, produce, deleteRecords].map(({ pendingMax }) => pendingMax)).toEqual([
      pendingFetchesMax,
      pendingRequestsMax,
      pendingRequestsMax,
    ]);
    for (const purgatory of [fetch, produce, deleteRecords]) {
      // Counts as many pending operations as fit, but one.
      purgatory.pending = purgatory.pendingMax - 1;
      const [last, more] = [operationOf(purgatory, () => false), operationOf(purgatory, () => false)];
      for (const { operation } of [last, more]) operation.start([]);
      expect([last.completions, more.completions]).toEqual([[], [true]]);
    }
  });

  test('completes as expired when it may not wait or the purgatory is full', () => {
    const time = new ManualTime();
    const none = operationOf(new Purgatory(time, 0), () => false);
    none.operation.start([]);
    const now = operationOf(new Purgatory(time, 1), () => false, 0);
    now.operation.start([]);
    expect([none.completions, now.completions, time.timerCount]).toEqual([[true], [true], 0]);
  });

  test('is counted by the purgatory as completed or expired when it had to wait', async () => {
    const time = new ManualTime();
    const purgatory = new Purgatory(time, 10);
    let isReady = false;
    const operations = [1, 2, 3, 4].map(() => operationOf(purgatory, () => isReady).operation);
    for (const operation of operations) operation.start([]);
    expect([purgatory.pending, purgatory.completed, purgatory.expired]).toEqual([4, 0, 0]);
    operations[0]?.cancel();
    isReady = true;
    operations[1]?.checkNow();
    operationOf(purgatory, () => true).operation.start([]);
    await time.advance(100);
    expect([purgatory.pending, purgatory.completed, purgatory.expired]).toEqual([0, 1, 2]);
  });

  test('completes once in whatever order events come, and leaves no timer and no watcher', async () => {
    const steps = fc.array(fc.constantFrom('notify', 'ready', 'expire', 'cancel', 'checkNow', 'settle'), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (list, readyAtStart) => {
        const time = new ManualTime();
        const purgatory = new Purgatory(time, 1);
        const key = new WatchList();
        let isReady = readyAtStart;
        const { operation, completions } = operationOf(purgatory, () => isReady);
        operation.start([key]);
        for (const step of list) {
          if (step === 'notify') key.notify();
          else if (step === 'ready') isReady = true;
          else if (step === 'expire') await time.advance(100);
          else if (step === 'cancel') operation.cancel();
          else if (step === 'checkNow') operation.checkNow();
          else await settle();
        }
        await settle();
        if (!operation.isOver) await time.advance(100);
        const isSilent = list.includes('cancel') && completions.length === 0;
        expect(completions.length).toBe(isSilent ? 0 : 1);
        expect([operation.isOver, purgatory.pending, key.size, time.timerCount]).toEqual([true, 0, 0, 0]);
      }),
    );
  });
});
