/** The bound of `FilePool`: it keeps at most that many idle files open, and never closes a file in use. */
import { expect, test } from 'vitest';
import { FilePool } from '../../src/log/segment/file-pool.ts';
import { SimulatedDisk } from '../../src/simulation/disk.ts';

test('idle files beyond the capacity are closed, the least recently used first', async () => {
  const pool = new FilePool(new SimulatedDisk(), 3);
  const files = Array.from({ length: 10 }, (_, i) => ({ path: `/f${i}`, openMode: 'write' as const }));
  for (const file of files) await pool.use(file, (handle) => handle.write([new Uint8Array(1)], 0));
  expect(pool.openCount).toBe(3);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const users = files.map((file) => pool.use(file, () => held));
  expect(pool.openCount).toBe(10);
  release();
  await Promise.all(users);
  expect(pool.openCount).toBe(3);
  await pool.close();
  expect(pool.openCount).toBe(0);
});

test('a file that is open for reading is opened again when it is to be written', async () => {
  const pool = new FilePool(new SimulatedDisk(), 3);
  const file: { path: string; openMode: 'read' | 'write' } = { path: '/f', openMode: 'write' };
  const write = (): Promise<void> => pool.use(file, (handle) => handle.write([new Uint8Array(1)], 0));
  const read = (): Promise<number> => pool.use(file, (handle) => handle.read(new Uint8Array(1), 0, 1, 0));
  await write();
  await pool.close();
  file.openMode = 'read';
  await read();
  await expect(write()).rejects.toThrow('EBADF');
  await read();
  file.openMode = 'write';
  await write();
  file.openMode = 'read';
  await write();
});
