/** Which unsynced changes the simulated disk may lose in a power cut, and which synced ones it must keep. */
import { describe, expect, test } from 'vitest';
import type { FileHandle } from '../../src/base/file-system.ts';
import { SimulatedDisk } from '../../src/simulation/disk.ts';
import { SimulatedHost } from '../../src/simulation/host.ts';
import { inMacrotask } from '../../src/simulation/macrotask.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import { slowDisk } from '../../src/simulation/slow-disk.ts';
import { World } from '../../src/simulation/world.ts';

const seeds = 200;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function write(disk: SimulatedDisk, path: string, text: string, sync: boolean): Promise<FileHandle> {
  const file = await disk.open(path, 'write');
  await file.write([bytesOf(text)], 0);
  if (sync) await file.sync();
  return file;
}

/**
 * Makes the change, cuts the power, and returns the files with their contents. It does so with 200 seeds, which is enough to
 * see every possible outcome.
 */
async function outcomes(change: (disk: SimulatedDisk) => Promise<void>): Promise<Set<string>> {
  const found = new Set<string>();
  for (let seed = 1; seed <= seeds; seed++) {
    const disk = new SimulatedDisk({ random: new SeededRandom(seed) });
    await disk.makeDirectory('/d');
    await disk.syncDirectory('/');
    await write(disk, '/d/one', 'abc', true);
    await disk.syncDirectory('/d');
    await change(disk);
    disk.powerCut();
    const files = await Promise.all(
      disk.files().map(async ({ path }) => `${path.slice(3)}=${text(await disk.readFile(path))}`),
    );
    found.add(files.join(' '));
  }
  return found;
}

function text(bytes: Uint8Array): string {
  return [...bytes].map((byte) => (byte === 0 ? '.' : String.fromCharCode(byte))).join('');
}

describe('a power cut', () => {
  test('loses nothing that was synced and not changed since', async () => {
    expect(await outcomes(async () => {})).toEqual(new Set(['one=abc']));
    const changed = outcomes(async (disk) => {
      await (await disk.open('/d/one', 'write')).truncate(1);
      await write(disk, '/d/one', 'xy', true);
      await disk.rename('/d/one', '/d/two');
      await disk.syncDirectory('/d');
    });
    expect(await changed).toEqual(new Set(['two=xy']));
  });

  test('may leave old and new bytes, in any mixture, where a file was overwritten', async () => {
    const found = await outcomes(async (disk) => {
      await write(disk, '/d/one', 'ABCD', false);
    });
    expect([...found].sort()).toEqual(
      ['abc', 'ABCD', 'Abc', 'ABc', 'ABC', 'Abc.', 'ABc.', 'ABC.', 'abc.'].map((one) => `one=${one}`).sort(),
    );
  });

  test('may restore bytes that were truncated, also after bytes written there later', async () => {
    const found = await outcomes(async (disk) => {
      const file = await disk.open('/d/one', 'write');
      await file.truncate(1);
      await file.write([bytesOf('X')], 1);
    });
    for (const one of ['abc', 'a', 'aX', 'aXc']) expect(found).toContain(`one=${one}`);
  });

  test('may keep a later write and lose an earlier one', async () => {
    const found = await outcomes(async (disk) => {
      const file = await disk.open('/d/one', 'write');
      await file.write([bytesOf('D')], 3);
      await file.write([bytesOf('E')], 4);
    });
    for (const one of ['abc', 'abcD', 'abcDE', 'abc.E']) expect(found).toContain(`one=${one}`);
  });

  test('may undo a rename, but never leaves both names', async () => {
    const found = await outcomes(async (disk) => {
      await write(disk, '/d/one.tmp', 'new', true);
      await disk.rename('/d/one.tmp', '/d/one');
    });
    expect(found).toEqual(new Set(['one=abc', 'one=abc one.tmp=new', 'one=new']));
  });

  test('may restore a removed file, or a removed directory with a part of its files', async () => {
    const found = await outcomes(async (disk) => {
      await disk.makeDirectory('/d/e');
      await write(disk, '/d/e/two', '2', true);
      await write(disk, '/d/e/three', '3', true);
      await disk.syncDirectory('/d/e');
      await disk.syncDirectory('/d');
      await disk.remove('/d/one');
      await disk.remove('/d/e');
    });
    for (const one of ['', 'one=abc', 'e/three=3', 'e/two=2 one=abc', 'e/three=3 e/two=2 one=abc'])
      expect(found).toContain(one);
  });

  test('does not undo a removal that was synced, even if a later file is lost', async () => {
    const found = await outcomes(async (disk) => {
      await disk.remove('/d/one');
      await disk.syncDirectory('/d');
      await write(disk, '/d/two', 'x', true);
    });
    expect(found).toEqual(new Set(['', 'two=x']));
  });
});

test('a power cut of a disk without random choices keeps exactly what was synced', async () => {
  const disk = new SimulatedDisk();
  const file = await write(disk, '/one', 'abc', true);
  await disk.syncDirectory('/');
  await file.truncate(1);
  await disk.rename('/one', '/two');
  disk.powerCut();
  expect(disk.files()).toEqual([{ path: '/one', sizeBytes: 3 }]);
});

test.each(['file', 'directory'])(
  'a sync of a %s does not include changes made during the sync',
  async (what) => {
    const kept = await inMacrotask(() => {
      const world = new World(1);
      const life = new SimulatedHost(world, 'a').boot();
      const disk = new SimulatedDisk();
      const fs = slowDisk(disk, life);
      let isSynced = false;
      const run = async (): Promise<void> => {
        const file = await fs.open('/one', 'write');
        await file.write([bytesOf('a')], 0);
        if (what === 'file') await fs.syncDirectory('/');
        const sync = what === 'file' ? file.sync() : fs.syncDirectory('/');
        await disk.open('/two', 'write');
        await disk.open('/one', 'write').then((other) => other.write([bytesOf('b')], 1));
        await sync;
        isSynced = true;
      };
      life.after(0, () => void run());
      world.run(10_000);
      expect(isSynced).toBe(true);
      disk.powerCut();
      return disk.files();
    });
    expect(kept).toEqual([{ path: '/one', sizeBytes: what === 'file' ? 1 : 0 }]);
  },
);

test('a file that was opened for reading cannot be changed', async () => {
  const disk = new SimulatedDisk();
  await write(disk, '/f', 'abc', true);
  const file = await disk.open('/f', 'read');
  await expect(file.write([bytesOf('d')], 0)).rejects.toThrow('EBADF');
  await expect(file.truncate(0)).rejects.toThrow('EBADF');
  expect(text(await disk.readFile('/f'))).toBe('abc');
});
