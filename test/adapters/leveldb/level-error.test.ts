import { expect, test } from 'vitest';
import { diskErrorOf, isLevelDamage, MetadataDiskError } from '../../../src/adapters/leveldb/level-error.ts';
import { startFailure } from '../../../src/server/start-failure.ts';
import { remedyFor } from '../../../src/telemetry/remedies.ts';

const directory = '/data/raft-log';

/** As LevelDB tells it: an open that failed has the reason as its cause. */
function levelError(code: string, message: string, isOpen: boolean): Error {
  const reason = Object.assign(new Error(message), { code });
  if (!isOpen) return reason;
  const outer = new Error('Database failed to open', { cause: reason });
  return Object.assign(outer, { code: 'LEVEL_DATABASE_NOT_OPEN' });
}

test.each([
  [
    'LEVEL_IO_ERROR',
    'IO error: /data/raft-log/MANIFEST-000004: No space left on device',
    'ENOSPC',
    'is full',
  ],
  ['LEVEL_IO_ERROR', 'IO error: /data/raft-log/000005.log: Disk quota exceeded', 'EDQUOT', 'quota'],
  ['LEVEL_IO_ERROR', 'IO error: /data/raft-log/LOCK: Read-only file system', 'EROFS', 'read-only'],
  ['LEVEL_IO_ERROR', 'IO error: /data/raft-log/LOCK: Permission denied', 'EACCES', 'user of this process'],
  ['LEVEL_IO_ERROR', 'IO error: /data/raft-log/000007.ldb: Too many open files', 'EMFILE', 'ulimit'],
  ['LEVEL_IO_ERROR', 'IO error: /data/raft-log/000005.log: Input/output error', 'EIO', 'disk failed'],
  ['LEVEL_IO_ERROR', 'IO error: something new', 'EIO', 'disk failed'],
  ['LEVEL_LOCKED', 'IO error: lock /data/raft-log/LOCK: already held by process', 'ELOCKED', 'other process'],
])('%s %s is %s', (code, message, system, remedy) => {
  for (const isOpen of [true, false]) {
    const error = diskErrorOf(levelError(code, message, isOpen), directory);
    expect(error).toBeInstanceOf(MetadataDiskError);
    expect((error as MetadataDiskError).code).toBe(system);
    const told = startFailure(error);
    for (const part of [directory, message, remedy]) expect(told).toContain(part);
    // While the node runs the same is told with the line.
    expect(remedyFor('The metadata log has failed', { error: String(error) })).toContain(remedy);
  }
});

test('damage and bugs are not reported as disk errors', () => {
  const damage = levelError('LEVEL_CORRUPTION', 'Corruption: bad record', true);
  expect(isLevelDamage(damage)).toBe(true);
  expect(
    isLevelDamage(levelError('LEVEL_IO_ERROR', 'IO error: CURRENT: No such file or directory', true)),
  ).toBe(true);
  expect(isLevelDamage(levelError('LEVEL_IO_ERROR', 'IO error: No space left on device', true))).toBe(false);
  expect(diskErrorOf(damage, directory)).toBe(damage);
  const bug = new TypeError('a bug');
  expect(diskErrorOf(bug, directory)).toBe(bug);
});
