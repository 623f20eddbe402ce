import { expect, test } from 'vitest';
import { systemClock, systemScheduler } from '../../src/adapters/clock.ts';
import { logTimestamp, createConsoleLogger } from '../../src/adapters/console-logger.ts';
import { createSystemRandom } from '../../src/adapters/random.ts';

test('a timer never fires before its delay, even when the event loop was busy when it was set', async () => {
  const busyUntil = performance.now() + 15;
  while (performance.now() < busyUntil);
  const start = systemClock.monotonicMs();
  await new Promise<void>((resolve) => systemScheduler.after(10, resolve));
  expect(systemClock.monotonicMs() - start).toBeGreaterThanOrEqual(10);
});

test('a cancelled timer does not run, and a delay longer than Node.js allows does not fire at once', async () => {
  let ran = '';
  const cancelled = systemScheduler.after(0, () => (ran += 'cancelled'));
  cancelled.cancel();
  cancelled.cancel();
  const long = systemScheduler.after(2 ** 40, () => (ran += 'long'));
  await new Promise<void>((resolve) => systemScheduler.after(5, resolve));
  await new Promise<void>((resolve) => systemScheduler.soon(resolve));
  long.cancel();
  expect(ran).toBe('');
});

test('the system random source returns different numbers, and as many bytes as asked for', () => {
  const random = createSystemRandom();
  const words = new Set(Array.from({ length: 3000 }, () => random.u32()));
  expect(words.size).toBeGreaterThan(2990);
  expect(random.bytes(16)).toHaveLength(16);
});

test('a log line has time, level, logger names, message and fields', () => {
  const lines: string[] = [];
  const logger = createConsoleLogger({ write: (l) => lines.push(l), wallMs: () => 0 });
  logger.debug('unseen');
  logger
    .child('Raft id=1')
    .info('became leader', { epoch: 4, why: 'all votes', skip: undefined, list: [1, 'a'] });
  expect(lines).toEqual([
    `[${logTimestamp(0)}] INFO [Raft id=1] became leader epoch=4 why="all votes" list=[1,"a"] (org.apache.kafka.raft.KafkaRaftClient)\n`,
  ]);
  expect(logTimestamp(0)).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,000$/);
  logger.error('failed', { error: new Error('disk gone') });
  expect(lines[1]).toMatch(
    /ERROR failed error=disk gone \(kafka\.server\.KafkaRaftServer\)\nError: disk gone\n {4}at /,
  );
});
