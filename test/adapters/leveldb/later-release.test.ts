/**
 * A store that a later release has written: unknown fields are skipped, and an unknown version or kind of entry ends the start
 * with a `LaterReleaseError`, which is not taken for damage. Nothing is lost by that start: the store can be opened again.
 */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeHardState, encodeHardState } from '../../../src/adapters/leveldb/frame.ts';
import { decodeSnapshot } from '../../../src/adapters/leveldb/snapshot-files.ts';
import { crc32c } from '../../../src/base/crc32c.ts';
import { LaterReleaseError } from '../../../src/base/later-release.ts';
import { ProtoReader, ProtoWriter } from '../../../src/base/protobuf.ts';
import { nodeId } from '../../../src/base/ids.ts';
import type { DiskImage } from '../../../src/raft/memory-store.ts';
import { decodeVoters } from '../../../src/raft/voter-set.ts';
import { directoryId, entry, hard, imageOf, storeAt, write } from './fixture.ts';

let folder: string;
let healthy: string;
let whole: DiskImage;
let copyCount = 0;

const voter = { id: nodeId(1), directoryId, endpoints: [{ name: 'CONTROLLER', host: 'a', port: 9093 }] };
const prefixBytes = 5;
const entriesField = 5;
const entryKindField = 2;
/** A field number that no message of proto/storage.proto has. */
const unknownField = 90;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bendemann-later-'));
  healthy = join(folder, 'healthy');
  const store = storeAt(healthy);
  await imageOf(store);
  await store.write([write({ hardState: hard(3, 2), entries: [entry(0, 1), entry(1, 2), entry(2, 3)] })]);
  await store.saveSnapshot({ endOffset: 2, epoch: 2, voters: [voter] }, new Uint8Array(50).fill(7));
  whole = await imageOf(await closed(store, healthy));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function closed(store: { close(): Promise<void> }, path: string): Promise<ReturnType<typeof storeAt>> {
  await store.close();
  return storeAt(path);
}

/** An unknown field of each wire type that protobuf writes. */
function unknownFields(): Uint8Array {
  const writer = new ProtoWriter();
  writer.uint(unknownField, 2 ** 52);
  writer.fixed32(unknownField + 1, 17);
  writer.text(unknownField + 2, 'later');
  const fixed64 = [(unknownField + 3) * 8 + 1, 0].flatMap((tag, i) =>
    i === 0 ? [(tag % 128) | 128, tag >>> 7] : new Array<number>(8).fill(255),
  );
  return Buffer.concat([writer.finish(), Uint8Array.from(fixed64)]);
}

function sealed(content: Uint8Array, version = 2): Buffer {
  const bytes = Buffer.concat([Uint8Array.of(version, 0, 0, 0, 0), content]);
  bytes.writeUInt32BE(crc32c(bytes, 0, prefixBytes), 1);
  return bytes;
}

/** Writes the frame again, with `change` applied to each of its entries and with unknown fields of its own. */
function frameWith(bytes: Uint8Array, change: (entry: Uint8Array) => Uint8Array): Buffer {
  const writer = new ProtoWriter();
  new ProtoReader(bytes.subarray(prefixBytes)).fields({
    1: (reader) => writer.uint(1, reader.uint()),
    2: (reader) => writer.uint(2, reader.uint()),
    3: (reader) => writer.uint(3, reader.uint()),
    4: (reader) => writer.fixed32(4, reader.fixed32()),
    [entriesField]: (reader) => writer.message(entriesField, change(reader.bytes())),
  });
  return sealed(Buffer.concat([writer.finish(), unknownFields()]));
}

/** A copy of the store whose values in LevelDB are replaced. */
async function copyWith(change: (database: Level<Buffer, Buffer>) => Promise<void>): Promise<string> {
  const path = join(folder, `copy-${copyCount++}`);
  await cp(healthy, path, { recursive: true });
  const database = new Level<Buffer, Buffer>(join(path, 'raft', 'raft-log'), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: false,
  });
  try {
    await change(database);
  } finally {
    await database.close();
  }
  return path;
}

const hardKey = Buffer.from('h');

async function onlyFrame(database: Level<Buffer, Buffer>): Promise<[Buffer, Buffer]> {
  const [found] = await database.iterator({ gte: Buffer.from('l'), lt: Buffer.from('m') }).all();
  if (found === undefined) throw new Error('no frame');
  return found;
}

/** Replaces the only frame, and its CRC in the hard state. */
async function replaceFrame(
  database: Level<Buffer, Buffer>,
  change: (entry: Uint8Array) => Uint8Array,
): Promise<void> {
  const [key, bytes] = await onlyFrame(database);
  const frame = frameWith(bytes, change);
  const stored = decodeHardState((await database.get(hardKey)) as Buffer);
  const changed = encodeHardState({ ...stored, chain: frame.readUInt32BE(1) });
  await database.batch([
    { type: 'put', key, value: frame },
    {
      type: 'put',
      key: hardKey,
      value: sealed(Buffer.concat([changed.subarray(prefixBytes), unknownFields()])),
    },
  ]);
}

async function refused(path: string, says: RegExp): Promise<void> {
  const store = storeAt(path);
  const opening = imageOf(store);
  await expect(opening).rejects.toThrow(LaterReleaseError);
  await expect(opening).rejects.toThrow(says);
  await expect(opening).rejects.not.toThrow(/format again/);
  await store.close();
}

async function snapshotOf(path: string): Promise<string> {
  const name = (await readdir(join(path, 'raft'))).find((one) => one.endsWith('.checkpoint'));
  return join(path, 'raft', name as string);
}

describe('unknown fields', () => {
  test('in a frame, its entries and the hard state are skipped, and the store can be written to', async () => {
    const path = await copyWith((database) =>
      replaceFrame(database, (bytes) => Buffer.concat([bytes, unknownFields()])),
    );
    const store = storeAt(path);
    expect(await imageOf(store)).toEqual(whole);
    await store.write([write({ hardState: hard(4, 2), entries: [entry(2, 4), entry(3, 4)] })]);
    const { entries } = await imageOf(await closed(store, path));
    expect(entries.map(({ offset, epoch }) => [offset, epoch])).toEqual([
      [0, 1],
      [1, 2],
      [2, 4],
      [3, 4],
    ]);
  });

  test('in a vote are skipped', async () => {
    const vote = new ProtoWriter();
    vote.uint(1, 2);
    vote.text(2, directoryId);
    const writer = new ProtoWriter();
    writer.uint(1, 5);
    writer.message(2, Buffer.concat([vote.finish(), unknownFields()]));
    expect(decodeHardState(sealed(writer.finish())).hardState).toEqual({
      epoch: 5,
      votedFor: { id: 2, directoryId },
      highWatermark: 0,
    });
  });

  test('in a voter and its endpoints are skipped', () => {
    const endpoint = new ProtoWriter();
    endpoint.text(1, 'CONTROLLER');
    endpoint.text(2, 'a');
    endpoint.uint(3, 9093);
    const writer = new ProtoWriter();
    writer.uint(1, 1);
    writer.text(2, directoryId);
    writer.message(3, Buffer.concat([endpoint.finish(), unknownFields()]));
    const set = new ProtoWriter();
    set.message(1, Buffer.concat([writer.finish(), unknownFields()]));
    expect(decodeVoters(Buffer.concat([set.finish(), unknownFields()]))).toEqual([voter]);
  });

  test('in the head of a snapshot are skipped', async () => {
    const content = await readFile(await snapshotOf(healthy));
    const end = content.readUInt32BE(5) + 9;
    const head = Buffer.concat([content.subarray(0, end), unknownFields()]);
    head.writeUInt32BE(head.length - 9, 5);
    expect(decodeSnapshot(withCrc(Buffer.concat([head, content.subarray(end)])))).toEqual(
      decodeSnapshot(content),
    );
  });

  test('with a key of LevelDB that this release does not know are left alone', async () => {
    const path = await copyWith((database) => database.put(Buffer.from('x'), Buffer.from('later')));
    const store = storeAt(path);
    expect(await imageOf(store)).toEqual(whole);
    await store.close();
  });
});

/** The content with the checksum that fits it. */
function withCrc(content: Buffer): Buffer {
  const end = content.length - 4;
  content.writeUInt32BE(crc32c(content, 0, 0, end), end);
  return content;
}

describe('a start is refused, and does not call it damage', () => {
  test.each([
    [
      'a frame',
      'l',
      /raft, the frame at offset 0: a record has version 3, known are 1 to 2\. A later release/,
    ],
    ['the hard state', 'h', /raft, the hard state: a record has version 3/],
  ])('%s of a later version', async (_, prefix, says) => {
    let before: Buffer = Buffer.alloc(0);
    const path = await copyWith(async (database) => {
      const [key, bytes] =
        prefix === 'h' ? [hardKey, (await database.get(hardKey)) as Buffer] : await onlyFrame(database);
      before = bytes;
      await database.put(key, Buffer.concat([Uint8Array.of(3), bytes.subarray(1)]));
    });
    await refused(path, says);
    // The later release finds everything as it was.
    const database = new Level<Buffer, Buffer>(join(path, 'raft', 'raft-log'), {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
    const [key, bytes] =
      prefix === 'h' ? [hardKey, (await database.get(hardKey)) as Buffer] : await onlyFrame(database);
    expect(bytes[0]).toBe(3);
    await database.put(key, before);
    await database.close();
    const store = storeAt(path);
    expect(await imageOf(store)).toEqual(whole);
    await store.close();
  });

  test('an entry of an unknown kind', async () => {
    const path = await copyWith((database) =>
      replaceFrame(database, (bytes) => {
        const kind = new ProtoWriter();
        kind.uint(entryKindField, 7);
        return Buffer.concat([bytes, kind.finish()]);
      }),
    );
    await refused(path, /the entry at offset 0 has the unknown kind 7/);
  });

  test('a snapshot of a later version', async () => {
    const path = await copyWith(() => Promise.resolve());
    const file = await snapshotOf(path);
    const content = await readFile(file);
    content[4] = 3;
    await writeFile(file, withCrc(content));
    await refused(path, /\.checkpoint: a snapshot has version 3, known are 1 and 2/);
  });

  test('a witness of a later version, even if only one copy is', async () => {
    const path = await copyWith(() => Promise.resolve());
    const file = join(path, 'witness');
    const content = await readFile(file);
    content[4096 + 4] = 2;
    await writeFile(file, content);
    await refused(path, /the witness .*witness: it has version 2, known is 1/);
  });
});

test('a wrong version byte in a value that does not match its checksum is damage', async () => {
  const path = await copyWith(async (database) => {
    const [key, bytes] = await onlyFrame(database);
    const changed = Buffer.from(bytes);
    changed[0] = 3;
    changed[20] = (changed[20] as number) ^ 1;
    await database.put(key, changed);
  });
  const store = storeAt(path);
  await expect(imageOf(store)).rejects.toThrow(/is damaged: the frame at offset 0: .* checksum/);
  await store.close();
});
