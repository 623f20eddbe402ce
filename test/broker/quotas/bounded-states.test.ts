import { expect, test } from 'vitest';
import { quotaStateCharactersMax, quotaStateIdleMs, quotaStatesMax } from '../../../src/broker/limits.ts';
import { BoundedStates } from '../../../src/broker/quotas/bounded-states.ts';

function named(states: BoundedStates<{ name: string }>, name: string, nowMs = 0): { name: string } {
  return states.get(name, nowMs, () => ({ name }));
}

test('a new state replaces the least recently used one', () => {
  const states = new BoundedStates<{ name: string }>();
  const [first, second] = [named(states, 'first'), named(states, 'second')];
  for (let i = 2; i < quotaStatesMax; i++) named(states, `client ${i}`);
  expect(named(states, 'first')).toBe(first);
  named(states, 'one more');
  expect(states.size).toBe(quotaStatesMax);
  expect(named(states, 'first')).toBe(first);
  expect(named(states, 'second')).not.toBe(second);
});

test('the length of keys is bounded in total', () => {
  const states = new BoundedStates<{ name: string }>();
  const length = 32_767;
  for (let i = 0; i < 1000; i++) named(states, `${i}`.padEnd(length));
  expect(states.size).toBe(Math.floor(quotaStateCharactersMax / length));
  states.clear();
  expect(states.size).toBe(0);
});

test('an idle state is dropped after an hour', () => {
  const states = new BoundedStates<{ name: string }>();
  named(states, 'idle');
  named(states, 'busy');
  named(states, 'busy', quotaStateIdleMs - 1);
  named(states, 'new', quotaStateIdleMs);
  expect(states.newest(9).map(({ name }) => name)).toEqual(['new', 'busy']);
  states.dropIdle(3 * quotaStateIdleMs);
  expect(states.size).toBe(0);
});
