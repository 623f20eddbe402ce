/** Invalid messages of a peer are refused before the Raft core sees them. */
import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { uuidZero } from '../../src/base/uuid.ts';
import { faultOf, type StreamedMessage } from '../../src/raft/messages.ts';
import type { Entry, Voter } from '../../src/raft/types.ts';
import { encodeVoters } from '../../src/raft/voter-set.ts';

const epochMax = 2 ** 31 - 1;
const entry = (offset: number, epoch: number): Entry => ({
  offset,
  epoch,
  kind: 'data',
  payload: new Uint8Array(1),
  appendedMs: 0,
});
const append = (
  epoch: number,
  previousEpoch: number,
  ...entries: Entry[]
): StreamedMessage & { type: 'append' } => ({
  type: 'append',
  epoch,
  baseOffset: 5,
  previousEpoch,
  highWatermark: 0,
  entries,
});

test('an epoch above epochMax or below 0 is refused', () => {
  expect(faultOf(append(epochMax, 3, entry(5, 3), entry(6, epochMax)))).toBeNull();
  for (const epoch of [epochMax + 1, 805_129_082_122_930, -1]) {
    expect(faultOf({ type: 'timeoutNow', epoch })).toContain(`epoch ${epoch}`);
    expect(faultOf(append(epoch, 3))).toContain(`epoch ${epoch}`);
  }
});

test('an entry or a log end with a later epoch than its message is refused', () => {
  expect(faultOf(append(4, 5))).toContain('epoch 5');
  expect(faultOf(append(4, 3, entry(5, 4), entry(6, 5)))).toContain('epoch 5');
  const vote = { type: 'vote', preVote: true, transfer: false, logEndOffset: 1, nonce: 1 } as const;
  expect(faultOf({ ...vote, epoch: 3, lastEpoch: 4 })).toContain('epoch 4');
  expect(faultOf({ ...vote, epoch: 4, lastEpoch: 4 })).toBeNull();
});

test('entries that are not contiguous are refused', () => {
  expect(faultOf(append(4, 3, entry(6, 4)))).toContain('offset 6 where 5 is next');
});

test('entries whose epochs go back are refused, also behind the entry before them', () => {
  expect(faultOf(append(4, 3, entry(5, 2)))).toContain('offset 5 has epoch 2 after epoch 3');
  expect(faultOf(append(4, 3, entry(5, 4), entry(6, 3)))).toContain('offset 6 has epoch 3 after epoch 4');
});

test('a voter set that is empty or names a node twice is refused', () => {
  const voter = { id: nodeId(1), directoryId: uuidZero, endpoints: [] };
  const appended = (voters: Voter[]): StreamedMessage =>
    append(4, 3, { ...entry(5, 4), kind: 'voters', payload: encodeVoters(voters) });
  expect(faultOf(appended([voter]))).toBeNull();
  expect(faultOf(appended([]))).toContain('the voter set at offset 5');
  expect(faultOf(appended([voter, voter]))).toContain('the voter set at offset 5');
});
