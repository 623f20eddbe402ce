import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { systemFileSystem as fs } from '../../src/adapters/file-system.ts';
import { replaceFile, StorageError } from '../../src/base/file-system.ts';

const directory = mkdtempSync(join(tmpdir(), 'fs-test-'));
afterAll(() => rmSync(directory, { recursive: true }));
const path = (name: string) => join(directory, name);
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);

test('a file is written in several buffers, read, truncated, and has its content after it was closed', async () => {
  const file = await fs.open(path('a'), 'write');
  await file.write([bytes('hello '), bytes(''), bytes('world')], 0);
  await file.write([bytes('W')], 6);
  await file.sync();
  const target = new Uint8Array(20);
  expect(await file.read(target, 2, 18, 0)).toBe(11);
  expect(text(target.subarray(2, 13))).toBe('hello World');
  expect(await file.read(target, 0, 5, 11)).toBe(0);
  await file.truncate(5);
  await file.close();
  await file.close();
  expect(text(await fs.readFile(path('a')))).toBe('hello');
  expect(await fs.stat(path('a'))).toMatchObject({ sizeBytes: 5, isDirectory: false });
});

test('one write takes more buffers than one writev of the operating system', async () => {
  const file = await fs.open(path('many'), 'write');
  const buffers = Array.from({ length: 5000 }, (_, i) => bytes(`${i % 10}`));
  await file.write(buffers, 0);
  await file.close();
  expect(text(await fs.readFile(path('many')))).toBe('0123456789'.repeat(500));
});

test('for a missing file stat returns null, reading fails with ENOENT, and removing succeeds', async () => {
  expect(await fs.stat(path('nothing'))).toBeNull();
  await expect(fs.open(path('nothing'), 'read')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(fs.readFile(path('nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
  await fs.remove(path('nothing'));
});

test('errors of the operating system are StorageErrors, wrong arguments are not', async () => {
  await expect(fs.open(path('nothing'), 'read')).rejects.toBeInstanceOf(StorageError);
  await expect(fs.list(path('nothing'))).rejects.toBeInstanceOf(StorageError);
  const wrong = fs.open(path('bug'), 'write').then((file) => file.read(new Uint8Array(4), 8, 4, 0));
  await expect(wrong).rejects.not.toBeInstanceOf(StorageError);
});

test('directories are created with their parents, listed in order, renamed, and removed with their content', async () => {
  await fs.makeDirectory(path('d/e/f'));
  await fs.makeDirectory(path('d/e/f'));
  for (const name of ['b', 'c', 'a']) await replaceFile(fs, path(`d/e/${name}`), bytes(name));
  expect(await fs.list(path('d/e'))).toEqual(['a', 'b', 'c', 'f']);
  await fs.rename(path('d/e'), path('d/g'));
  await fs.syncDirectory(path('d'));
  symlinkSync(path('d/g/a'), path('d/link'));
  expect((await fs.stat(path('d')))?.isDirectory).toBe(true);
  await fs.remove(path('d'));
  expect(await fs.stat(path('d'))).toBeNull();
  const volume = await fs.volume(directory);
  expect(volume.totalBytes).toBeGreaterThanOrEqual(volume.usableBytes);
});

test('releasing a lock twice closes no other file', async () => {
  const held = await fs.lock(path('twice.lock'));
  await held?.release();
  // It probably gets the descriptor that the lock had.
  const file = await fs.open(path('other'), 'write');
  await held?.release();
  await file.write([new Uint8Array([1])], 0);
  await file.sync();
  await file.close();
});

test('a lock excludes other holders in this process and in other processes, and ends when it is released or its process dies', async () => {
  const held = await fs.lock(path('.lock'));
  expect(held).not.toBeNull();
  expect(await fs.lock(path('.lock'))).toBeNull();
  await held?.release();
  const script = `const fs = require('node:fs');
    const ok = require('fs-native-extensions').tryLock(fs.openSync(process.argv[1], 'a+'));
    process.stdout.write(String(ok)); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script, path('.lock')], {
    cwd: join(import.meta.dirname, '../..'),
  });
  const said = await new Promise<string>((resolve) => child.stdout.once('data', (d) => resolve(String(d))));
  expect(said).toBe('true');
  expect(await fs.lock(path('.lock'))).toBeNull();
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  const again = await fs.lock(path('.lock'));
  expect(again).not.toBeNull();
  await again?.release();
});
