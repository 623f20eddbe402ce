import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../../src/base/crc32c.ts';
import { nodeId } from '../../src/base/ids.ts';
import { MalformedError } from '../../src/raft/bytes.ts';
import { decodeVoters, encodeVoters } from '../../src/raft/voters.ts';
import { decodeMessage, encodeMessage, type WireMessage } from '../../src/raft/wire.ts';

const int = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const payload = fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes));
const message: fc.Arbitrary<WireMessage> = fc.oneof(
  fc.record({
    type: fc.constant('vote' as const),
    epoch: int,
    preVote: fc.boolean(),
    transfer: fc.boolean(),
    logEndOffset: int,
    lastEpoch: int,
    nonce: fc.nat(),
  }),
  fc.record({
    type: fc.constant('voted' as const),
    epoch: int,
    preVote: fc.boolean(),
    granted: fc.boolean(),
    nonce: fc.nat(),
  }),
  fc.record({
    type: fc.constant('appended' as const),
    epoch: int,
    accepted: fc.boolean(),
    baseOffset: int,
    endOffset: int,
    endEpoch: int,
  }),
  fc.record({
    type: fc.constant('heartbeat' as const),
    epoch: int,
    directoryId: fc.constant('AAAAAAAAAAAAAAAAAAAAAQ'),
    match: int,
    highWatermark: int,
    reply: fc.boolean(),
    round: int,
  }),
  fc.record({ type: fc.constant('alive' as const), epoch: int, round: int }),
  fc.record({
    type: fc.constant('resign' as const),
    epoch: int,
    successors: fc.array(fc.nat(1000).map(nodeId), { maxLength: 5 }),
  }),
  fc.record({
    type: fc.constant('join' as const),
    epoch: int,
    replica: fc.constant({ id: nodeId(3), directoryId: 'AAAAAAAAAAAAAAAAAAAAAQ' }),
    endpoints: fc.array(fc.record({ name: fc.string(), host: fc.string(), port: fc.nat(65_535) }), {
      maxLength: 3,
    }),
  }),
  fc.record({ type: fc.constant('timeoutNow' as const), epoch: int }),
  fc
    .record({
      epoch: int,
      baseOffset: fc.nat(),
      previousEpoch: int,
      highWatermark: int,
      entries: fc.array(
        fc.record({
          epoch: int,
          kind: fc.constantFrom('data' as const, 'leaderChange' as const, 'voters' as const),
          payload,
          appendedMs: int,
        }),
        { maxLength: 5 },
      ),
    })
    .map(({ entries, ...rest }) => ({
      type: 'append' as const,
      ...rest,
      entries: entries.map((entry, index) => ({ offset: rest.baseOffset + index, ...entry })),
    })),
);

describe('wire', () => {
  test('every message comes back as it was', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(decodeMessage(encodeMessage(one))).toEqual(one);
      }),
      { numRuns: 500 },
    );
  });

  test('cut, lengthened or damaged bytes are refused as malformed, or read as another message, and nothing else', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(), fc.nat(255), (one, cut, at, value) => {
        const bytes = encodeMessage(one).slice();
        const damaged = bytes.slice(0, cut % (bytes.length + 1));
        if (damaged.length > 0) damaged[at % damaged.length] = value;
        for (const input of [damaged, Uint8Array.of(...bytes, 0)]) {
          try {
            decodeMessage(input);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedError);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('voter sets come back as they were', () => {
    const voters = [1, 2, 3].map((id) => ({
      id: nodeId(id),
      directoryId: 'AAAAAAAAAAAAAAAAAAAAAQ',
      endpoints: [{ name: 'CONTROLLER', host: `contrôleur-${id}.例%41.example`, port: 9093 }],
    }));
    expect(decodeVoters(encodeVoters(voters))).toEqual(voters);
  });

  test('crc32c of the known check value, whole and in pieces', () => {
    const bytes = new TextEncoder().encode('123456789');
    expect(crc32c(bytes)).toBe(0xe3069283);
    fc.assert(
      fc.property(payload, fc.nat(300), (data, at) => {
        expect(crc32c(data.subarray(at), crc32c(data.subarray(0, at)))).toBe(crc32c(data));
      }),
    );
  });
});
