import { expect, test } from 'vitest';
import { createConsoleLogger } from '../../src/adapters/console-logger.ts';
import { LogLevels } from '../../src/telemetry/log-levels.ts';
import { remedies, systemRemedies } from '../../src/telemetry/remedies.ts';

function written(options: { format?: 'text' | 'json' } = {}) {
  const lines: string[] = [];
  const time = { nowMs: 0 };
  const levels = new LogLevels();
  const write = (line: string): void => {
    lines.push(line);
  };
  const logger = createConsoleLogger({ ...options, levels, write, wallMs: () => time.nowMs });
  return { lines, time, levels, logger };
}

test('levels can change while the process runs; a logger without a level has the one of its nearest named ancestor', () => {
  const { lines, levels, logger } = written();
  const raft = logger.child('Raft id=1');
  const logs = logger.child('LogManager');
  raft.debug('1');
  levels.set('org.apache.kafka.raft', 'DEBUG');
  raft.debug('2');
  logs.debug('3');
  levels.set('root', 'TRACE');
  logs.debug('4');
  for (const whole of ['kafka', 'org.apache.kafka']) levels.set(whole, 'OFF');
  logs.error('5');
  raft.debug('6');
  levels.unset('org.apache.kafka.raft');
  raft.error('7');
  expect(lines.map((line) => /\] (\d) /.exec(line)?.[1])).toEqual(['2', '4', '6']);
});

test.each([
  ['another class of the part', 'kafka.server.KafkaApis', 'broker'],
  ['an old name of its package', 'org.apache.kafka.storage', 'LogManager'],
  ['a logger with a name of its own', 'state.change.logger', 'ReplicaManager'],
])('the level of %s decides which lines of a part are written', (_what, name, part) => {
  const { lines, levels, logger } = written();
  const log = logger.child(part);
  log.debug('1');
  levels.set(name, 'DEBUG');
  log.debug('2');
  levels.set(name, 'ERROR');
  log.warn('3');
  logger.warn('4');
  levels.unset(name);
  log.info('5');
  expect(lines.map((line) => /(?:\]|WARN) (\d) /.exec(line)?.[1])).toEqual(['2', '4', '5']);
});

test('the loggers are those of Kafka and those that were set; a package is not a logger', () => {
  const { levels } = written();
  const names = [
    'kafka.server.KafkaApis',
    'kafka.log.LogCleaner',
    'kafka.network.RequestChannel$',
    'state.change.logger',
  ];
  expect([...names, 'root', 'kafka', 'org.apache.kafka'].filter((name) => !levels.has(name))).toEqual([]);
  expect(['kafka.server', 'kafka.controller', 'io.netty'].filter((name) => levels.has(name))).toEqual([]);
  expect(levels.all().map(([name]) => name)).toEqual(expect.arrayContaining(names));
  levels.set('kafka.controller', 'WARN');
  expect(levels.has('kafka.controller')).toBe(true);
});

test('a line ends with the class name of the logger that wrote it, also for a nested logger', () => {
  const { lines, logger } = written();
  logger.child('broker').child('GroupCoordinator').info('loaded');
  expect(lines).toEqual([
    expect.stringMatching(
      /INFO \[broker\] \[GroupCoordinator\] loaded \(org\.apache\.kafka\.coordinator\.group\.GroupCoordinatorService\)\n$/,
    ),
  ]);
});

test('a repeated warning is written once a second, and the next line counts the suppressed ones', () => {
  const { lines, time, logger } = written();
  for (let i = 0; i < 5; i++) logger.warn('a follower was refused', { reason: `${i}` });
  logger.warn('a log can not be compacted', { partition: 't-0' });
  logger.warn('a log can not be compacted', { partition: 't-1' });
  time.nowMs = 1000;
  logger.warn('a follower was refused', { reason: 'again' });
  expect(lines).toHaveLength(4);
  expect(lines[3]).toContain('reason=again suppressed=4. What to do: ');
});

test('a warning names its remedy; for a system error the remedy follows from the error code', () => {
  const { lines, logger } = written();
  logger.warn('a follower was refused', { reason: 'x' });
  logger.error('the disk failed under a partition', { error: 'StorageError: ENOSPC: no space left' });
  expect(lines[0]).toContain(`. What to do: ${remedies['a follower was refused']} (`);
  expect(lines[1]).toContain(systemRemedies['ENOSPC']);
});

test('each JSON line is one object, also with stack traces and big integers', () => {
  const { lines, logger } = written({ format: 'json' });
  logger.child('Raft id=1').info('became leader', { epoch: 4, count: 10n });
  logger.error('failed', { error: new Error('disk gone\nreally') });
  expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
  expect(JSON.parse(lines[0] as string)).toEqual({
    timestamp: '1970-01-01T00:00:00.000Z',
    level: 'INFO',
    logger: 'org.apache.kafka.raft.KafkaRaftClient',
    part: 'Raft id=1',
    message: 'became leader',
    fields: { epoch: 4, count: '10' },
  });
  expect(JSON.parse(lines[1] as string)).toMatchObject({
    fields: { error: 'disk gone\nreally' },
    stack: expect.stringContaining('Error: disk gone'),
  });
});
