import { expect, test } from 'vitest';
import type { Scheduler } from '../../src/base/clock.ts';
import { GatheredLines } from '../../src/telemetry/gathered-lines.ts';
import { type Logger, silentLogger } from '../../src/telemetry/logger.ts';

function gather(): { lines: GatheredLines; written: string[]; pass: () => void } {
  const written: string[] = [];
  const due: (() => void)[] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (message, fields) => void written.push(`${message} ${JSON.stringify(fields)}`),
  };
  const scheduler: Scheduler = {
    after: (_, callback) => {
      due.push(callback);
      return { cancel: () => {} };
    },
    soon: (callback) => callback(),
  };
  const pass = (): void => {
    for (const callback of due.splice(0)) callback();
  };
  return { lines: new GatheredLines(logger, scheduler), written, pass };
}

test('a few events get one line each, with all their fields', () => {
  const { lines, written, pass } = gather();
  lines.add('Became leader of', 'purchases-0', { epoch: 3 }, { since: 'broker 1 is down' });
  lines.add('Became leader of', 'purchases-1', { epoch: 5 }, { since: 'broker 1 is down' });
  expect(written).toEqual([]);
  pass();
  expect(written).toEqual([
    'Became leader of purchases-0 {"epoch":3,"since":"broker 1 is down"}',
    'Became leader of purchases-1 {"epoch":5,"since":"broker 1 is down"}',
  ]);
});

test('3,000 events of one kind get one line, and another event gets its own', () => {
  const { lines, written, pass } = gather();
  for (let i = 0; i < 3_000; i++) lines.add('Became leader of', `many-${i}`, { epoch: i }, { since: 'a' });
  lines.add('Became leader of', 'one-0', { epoch: 1 }, { since: 'b' });
  pass();
  expect(written).toEqual([
    'Became leader of 3000 partitions {"since":"a","partitions":"many-0, many-1, many-2, many-3, many-4 and 2995 more"}',
    'Became leader of one-0 {"epoch":1,"since":"b"}',
  ]);
  pass();
  expect(written.length).toBe(2);
});
