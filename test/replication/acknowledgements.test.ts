import { expect, test } from 'vitest';
import { Errors, KafkaError } from '../../src/protocol/errors.ts';
import { Acknowledgements } from '../../src/replication/leader/acknowledgements.ts';

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

test('waiters are fulfilled in the order of their offsets', async () => {
  const acks = new Acknowledgements();
  const done: number[] = [];
  for (const offset of [10, 20, 20, 15, 30]) void acks.wait(offset).then(() => done.push(offset));
  acks.reached(9, null);
  await settle();
  expect(done).toEqual([]);
  acks.reached(20, null);
  await settle();
  expect(done).toEqual([10, 15, 20, 20]);
  expect(acks.size).toBe(1);
  acks.reached(30, null);
  await settle();
  expect(done).toEqual([10, 15, 20, 20, 30]);
  expect(acks.size).toBe(0);
});

test('of 2,000 waiters exactly those below the reached offset are fulfilled', async () => {
  const acks = new Acknowledgements();
  let done = 0;
  for (let offset = 1; offset <= 2000; offset++) {
    void acks.wait(offset).then(() => done++);
    if (offset % 3 === 0) acks.reached(offset - 100, null);
  }
  await settle();
  expect(done).toBe(2000 - acks.size);
  expect(acks.size).toBe(102);
});

test('rejectAbove refuses waiters above the offset and keeps those below', async () => {
  const acks = new Acknowledgements();
  const outcome: string[] = [];
  for (const offset of [5, 6, 7])
    acks.wait(offset).then(
      () => outcome.push(`${offset} ok`),
      (error: KafkaError) => outcome.push(`${offset} ${error.error.name}`),
    );
  acks.rejectAbove(5, new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER));
  acks.reached(5, null);
  await settle();
  expect(outcome.sort()).toEqual(['5 ok', '6 NOT_LEADER_OR_FOLLOWER', '7 NOT_LEADER_OR_FOLLOWER']);
});
