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
