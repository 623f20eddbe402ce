/**
 * Vectors are recorded bytes that this version or an earlier one has sent or stored. Each must be decoded to the same message
 * as when it was recorded. Vectors are never changed. The test fails for a kind of message without vectors; `VECTORS=write npm
 * test -- test/wire/vectors.test.ts` adds them.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeFrame,
  decodeHardState,
  encodeFrame,
  encodeHardState,
} from '../../src/adapters/leveldb/frame.ts';
import { decodeSnapshot } from '../../src/adapters/leveldb/snapshot-files.ts';
import type { ChannelName, PeerMessage } from '../../src/base/network.ts';
import { nodeId } from '../../src/base/ids.ts';
import { decodeVoters, encodeVoters } from '../../src/raft/voter-set.ts';
import { loadPeerService } from '../../src/wire/service.ts';
import { messages } from './messages.ts';

interface Vector {
  readonly channel: ChannelName;
  readonly from: 'opener' | 'acceptor';
  readonly hex: string;
  /** The decoded message; a field of bytes is written as `{ hex }`. */
  readonly message: PeerMessage;
}
interface StorageVector {
  readonly what: 'frame' | 'hard state' | 'voters' | 'snapshot';
  readonly hex: string;
  readonly value: unknown;
}

const folder = join(import.meta.dirname, '../vectors');
const wirePath = join(folder, 'wire-1.json');
const samples = 2;
const service = await loadPeerService();
const read = <T>(path: string): T[] =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T[]) : [];
const lines = (rows: readonly unknown[]): string =>
  `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`;

/** Replaces bytes in a message by the form that the JSON file has for them. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

const recorded = read<Vector>(wirePath);
const kinds = (Object.keys(messages) as ChannelName[]).flatMap((channel) =>
  (['opener', 'acceptor'] as const).flatMap((from) =>
    messages[channel][from === 'opener' ? 'request' : 'response'].map((arbitrary) => {
      const type = fc.sample(arbitrary, 1)[0]?.type ?? '';
      return { channel, from, type, arbitrary };
    }),
  ),
);

if (process.env['VECTORS'] === 'write') {
  for (const { channel, from, type, arbitrary } of kinds) {
    if (recorded.some((one) => one.channel === channel && one.from === from && one.message.type === type))
      continue;
    for (const message of fc.sample(arbitrary, { numRuns: samples, seed: 1 })) {
      const encode = from === 'opener' ? service[channel].encodeRequest : service[channel].encodeResponse;
      const hex = Buffer.from(encode(message)).toString('hex');
      recorded.push({ channel, from, hex, message: plain(message) as PeerMessage });
    }
  }
  writeFileSync(wirePath, lines(recorded));
}

describe('messages between nodes', () => {
  test.each(kinds)(
    '$channel: the recorded bytes of $type from the $from are still decoded to the same message',
    ({ channel, from, type }) => {
      const own = recorded.filter(
        (one) => one.channel === channel && one.from === from && one.message.type === type,
      );
      expect(own.length).toBeGreaterThanOrEqual(samples);
      const decode = from === 'opener' ? service[channel].decodeRequest : service[channel].decodeResponse;
      // Compared with toMatchObject, because a later version may decode further fields.
      for (const { hex, message } of own)
        expect(plain(decode(Buffer.from(hex, 'hex')))).toMatchObject(message);
    },
  );
});

describe('stored data', () => {
  const decoders = {
    frame: (bytes: Uint8Array) => {
      const { crc: _, ...frame } = decodeFrame(bytes);
      return frame;
    },
    'hard state': decodeHardState,
    voters: decodeVoters,
    snapshot: decodeSnapshot,
  };

  test.each(['storage-0.1.0.json', 'storage-1.json'])(
    'the bytes in %s are still decoded to the same values',
    (name) => {
      const vectors = read<StorageVector>(join(folder, name));
      expect(new Set(vectors.map(({ what }) => what))).toEqual(new Set(Object.keys(decoders)));
      for (const { what, hex, value } of vectors)
        expect(plain(decoders[what](Buffer.from(hex, 'hex'))), what).toEqual(value);
    },
  );

  test('voters, hard state and frames are decoded as they were encoded', () => {
    const directoryId = 'AAAAAAAAAAAAAAAAAAAAAg';
    const voters = [{ id: nodeId(1), directoryId, endpoints: [{ name: 'C', host: 'é', port: 9 }] }];
    expect(decodeVoters(encodeVoters(voters))).toEqual(voters);
    const hard = {
      hardState: { epoch: 3, votedFor: { id: nodeId(2), directoryId }, highWatermark: 2 ** 40 },
      generation: 4,
      startOffset: 5,
      startEpoch: 1,
      endOffset: 2 ** 50,
      chain: 0xffff_ffff,
    };
    expect(decodeHardState(encodeHardState(hard))).toEqual(hard);
    const entries = [
      { offset: 7, epoch: 3, kind: 'data' as const, payload: Uint8Array.of(1), appendedMs: 9 },
    ];
    const frame = { firstOffset: 7, previousEpoch: 2, generation: 4, chain: 1, entries };
    expect(decodeFrame(encodeFrame(frame).bytes)).toMatchObject(frame);
  });
});
