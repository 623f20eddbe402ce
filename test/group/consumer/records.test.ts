/** Records of consumer groups: as Kafka 4.3 writes them, and as builds of this project before 28 November 2026 wrote them. */
import { expect, test } from 'vitest';
import { defined } from '../../../src/base/assert.ts';
import { memberStates } from '../../../src/group/consumer/member.ts';
import { readChange, recordOf } from '../../../src/group/consumer/records.ts';
import type { GroupRecord } from '../../../src/group/types.ts';
import { ConsumerWorld, idOf } from './harness.ts';

const none = new Map();
const some = new Map([[idOf('t'), new Map([[0, 1]])]]);
/** Position of the state in the value: after the version and two epochs. */
const stateAt = 2 + 4 + 4;

function current(state: number, pendingRevocation = none): GroupRecord {
  const value = { memberEpoch: 2, previousMemberEpoch: 1, state, assigned: some, pendingRevocation };
  return recordOf('g', { type: 'current', memberId: 'm', value });
}

test.each([
  ['stable', 0, none],
  ['unrevoked', 1, some],
  ['unreleased', 2, none],
] as const)(
  'the state %s is written as %d, and read from old records where it is one higher',
  (name, number, pending) => {
    const record = current(memberStates[name], pending);
    const bytes = defined(record.value);
    expect(bytes[stateAt]).toBe(number);
    const change = readChange(record);
    expect(change).toMatchObject({ change: { value: { state: number } } });
    const old = Uint8Array.from(bytes);
    old[stateAt] = number + 1;
    expect(readChange({ key: record.key, value: old })).toEqual(change);
  },
);

test('the deletion of a group also deletes the record that only Kafka before 4.1 wrote', () => {
  const world = new ConsumerWorld({}, { t: 1 });
  world.member('a').join().leave();
  world.send((token) => ({ type: 'deleteGroup', token, groupId: 'g' }));
  const types = world.log.filter(({ value }) => value === null).map(({ key }) => key[1]);
  expect(types.slice(-3)).toEqual([6, 4, 3]);
});
