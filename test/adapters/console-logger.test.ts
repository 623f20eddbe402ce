import { expect, test } from 'vitest';
import { createConsoleLogger } from '../../src/adapters/console-logger.ts';

test('the threshold can be set while it runs, for all loggers of a kind', () => {
  let text = '';
  const write = (line: string): void => {
    text += line;
  };
  const logger = createConsoleLogger({ level: 'info', write, wallMs: () => 0 });
  const child = logger.child('Part');
  child.debug('unseen');
  if (logger.threshold !== undefined) logger.threshold.name = 'DEBUG';
  child.debug('seen');
  if (child.threshold !== undefined) child.threshold.name = 'FATAL';
  logger.warn('unseen');
  expect(text).toMatch(/^\[.*\] DEBUG \[Part\] seen\n$/);
});
