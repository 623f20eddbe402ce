import { expect, test } from 'vitest';
import { systemClock, systemScheduler } from '../../../src/adapters/clock.ts';
import type { RaftCore } from '../../../src/raft/core.ts';
import type { RaftStore } from '../../../src/raft/store.ts';
import type { Entry } from '../../../src/raft/types.ts';
import { Delivery } from '../../../src/server/raft/delivery.ts';

interface Fixture {
  readonly delivery: Delivery;
  readonly events: string[];
  /** Ends the listener's work on the snapshot. */
  readonly restored: () => void;
}

/** A replica that has a snapshot up to `startOffset` and the entries from there to `endOffset`. All of them are committed. */
function replica(startOffset: number, endOffset: number): Fixture {
  const entries = Array.from({ length: endOffset - startOffset }, (_, index): Entry => {
    const payload = new Uint8Array(10);
    return { offset: startOffset + index, epoch: 1, kind: 'data', payload, appendedMs: 0 };
  });
  const cached = (from: number): Entry[] => entries.slice(from - startOffset);
  const core = { deliverableEndOffset: endOffset, state: { log: { startOffset, cached } } };
  const meta = { endOffset: startOffset, epoch: 1, voters: [] };
  const store = { readSnapshot: () => Promise.resolve({ meta, bytes: new Uint8Array(1) }) };
  const events: string[] = [];
  let restored = (): void => {};
  const restoring = new Promise<void>((resolve) => {
    restored = resolve;
  });
  const delivery: Delivery = new Delivery({
    core: core as unknown as RaftCore,
    store: store as unknown as RaftStore,
    clock: systemClock,
    scheduler: systemScheduler,
    onCommit: (batch) => events.push(`entries ${batch[0]?.offset} of ${delivery.endOffset}`),
    onSnapshot: async (snapshot) => {
      events.push(`snapshot ${snapshot.offset}`);
      await restoring;
      events.push('restored');
    },
    onDelivered: (end) => events.push(`delivered ${end}`),
    onFailure: (error) => events.push(String(error)),
  });
  return { delivery, events, restored };
}

test('delivery: nothing is delivered while the listeners restore a snapshot', async () => {
  const { delivery, events, restored } = replica(10, 13);
  delivery.wake();
  for (let i = 0; i < 20; i++) await Promise.resolve();
  delivery.wake();
  expect(events).toEqual(['snapshot 9']);
  restored();
  await delivery.settled();
  expect(events).toEqual(['snapshot 9', 'restored', 'delivered 10', 'entries 10 of 10', 'delivered 13']);
});

test('delivery: entries count as delivered after the listeners got them', async () => {
  const { delivery, events } = replica(0, 70);
  delivery.wake();
  await delivery.settled();
  expect(events).toEqual(['entries 0 of 0', 'delivered 64', 'entries 64 of 64', 'delivered 70']);
});
