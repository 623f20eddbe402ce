import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** File systems, the virtual ones included. */
const makers = [
  'src/adapters/file-system.ts',
  'src/simulation/disk.ts',
  'src/simulation/windows-disk.ts',
  'src/testing/kafka/node-disk.ts',
];

test('only file systems throw StorageError', () => {
  const found = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/${name}`)
    .filter((path) => readFileSync(path, 'utf8').includes('new StorageError('));
  expect(found.sort()).toEqual(makers);
});
