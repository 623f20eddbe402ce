import { expect, test } from 'vitest';
import { CompactionThrottle } from '../../src/log/compaction/throttle.ts';
import { ManualTime } from '../broker/harness.ts';

test('bytes above the rate wait; a new rate and a stop act soon', async () => {
  const time = new ManualTime();
  let rate = 1000;
  const throttle = new CompactionThrottle(time, time, () => rate);
  const done: string[] = [];
  const take = async (name: string, bytes: number): Promise<void> => {
    await throttle.take(bytes);
    done.push(name);
  };
  await take('burst', 900);
  const second = take('second', 2000);
  await time.advance(1500);
  expect(done).toEqual(['burst']);
  await time.advance(1000);
  await second;
  const third = take('third', 100_000);
  await time.advance(1000);
  expect(done).toEqual(['burst', 'second']);
  rate = Number.MAX_SAFE_INTEGER;
  await time.advance(500);
  await third;
  rate = 1;
  const fourth = take('fourth', 1000);
  throttle.stop();
  await time.advance(500);
  await fourth;
  expect(done).toEqual(['burst', 'second', 'third', 'fourth']);
});
