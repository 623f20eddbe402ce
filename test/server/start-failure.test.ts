import { expect, test } from 'vitest';
import { Errors, KafkaError } from '../../src/protocol/errors.ts';
import { startFailure } from '../../src/server/start-failure.ts';

test.each([
  [
    'EADDRINUSE',
    'listen EADDRINUSE: address already in use :::9092',
    ['Address already in use', ':::9092', 'listeners'],
  ],
  [
    'EADDRNOTAVAIL',
    'listen EADDRNOTAVAIL: address not available 10.9.9.9:9092',
    ['10.9.9.9', 'advertised.listeners'],
  ],
  ['EMFILE', "EMFILE: too many open files, open '/data/t-0/0.log'", ['/data/t-0/0.log', 'ulimit -n']],
  ['ENOSPC', 'ENOSPC: no space left on device, write', ['no space left', 'log.dirs']],
  ['EACCES', "EACCES: permission denied, mkdir '/data'", ['/data', 'log.dirs']],
  ['EROFS', "EROFS: read-only file system, open '/data/x'", ['/data/x', 'log.dirs']],
])('the message for %s names the mistake and the remedy', (code, message, parts) => {
  const text = startFailure(Object.assign(new Error(message), { code }));
  for (const part of parts) expect(text).toContain(part);
});

test('the message for a refused registration names the remedy', () => {
  const error = new KafkaError(
    Errors.DUPLICATE_BROKER_REGISTRATION,
    'The controller refused the registration of this broker: 7',
  );
  expect(startFailure(error)).toMatch(/broker: 7\. .*node\.id/);
});

test('the message of any other error is unchanged', () => {
  expect(startFailure(new Error('No `meta.properties` found'))).toBe('No `meta.properties` found');
  expect(startFailure('why')).toBe('why');
});
