/**
 * Each rule of the checker finds a forged history that breaks this rule alone, and accepts unusual histories that break none.
 */
import { expect, test } from 'vitest';
import { check, type Violation } from './checker.ts';
import type { ChaosEvent, History, Key } from './history.ts';

const key = 'safe-0';
let now = 0;

const invoke = (v: string, k: Key = key): ChaosEvent => ({
  f: 'send',
  type: 'invoke',
  t: now++,
  p: producerOf(v),
  v,
  k,
});
const outcome = (type: 'ok' | 'fail' | 'info', v: string, off = -1, k: Key = key): ChaosEvent => ({
  f: 'send',
  type,
  t: now++,
  p: producerOf(v),
  v,
  k,
  off,
});
const producerOf = (v: string): string => v.split(':')[0] as string;
const send = (v: string, off: number, k: Key = key): ChaosEvent[] => [invoke(v, k), outcome('ok', v, off, k)];
const poll = (p: string, records: [number, string][], more: object = {}, k: Key = key): ChaosEvent => ({
  f: 'poll',
  type: 'ok',
  t: now++,
  p,
  r: { [k]: records },
  ...more,
});
const final = (...records: [number, string][]): ChaosEvent => poll('final', records, { final: true });
const position = (p: string, offset: number): ChaosEvent => ({
  f: 'position',
  type: 'ok',
  t: now++,
  p,
  at: { [key]: offset },
});
const commit = (p: string, type: 'invoke' | 'ok', offset: number): ChaosEvent => ({
  f: 'commit',
  type,
  t: now++,
  p,
  g: 'g',
  at: { [key]: offset },
});
const delivered = (p: string, records: [number, string][]): ChaosEvent => poll(p, records, { g: 'g' });

function rules(
  events: (ChaosEvent | ChaosEvent[])[],
  end = 0,
  more: Partial<History> = {},
): Violation['rule'][] {
  const history: History = {
    ...more,
    events: events.flat(),
    producers: new Map([
      ['idem', { acks: 'all', isIdempotent: true, isOrdered: true }],
      ['plain', { acks: 'all', isIdempotent: false, isOrdered: false }],
      ['fast', { acks: '1', isIdempotent: false, isOrdered: false }],
    ]),
    ends: new Map([[key, end]]),
  };
  return [...new Set(check(history).violations.map(({ rule }) => rule))];
}

const three: ChaosEvent[] = [...send('idem.1:0', 0), ...send('idem.1:1', 1), ...send('idem.1:2', 2)];
const all = final([0, 'idem.1:0'], [1, 'idem.1:1'], [2, 'idem.1:2']);

test('a correct history is accepted', () => {
  expect(
    rules(
      [
        three,
        position('r', 0),
        poll('r', [[0, 'idem.1:0']]),
        poll('r', [
          [1, 'idem.1:1'],
          [2, 'idem.1:2'],
        ]),
        delivered('m', [[0, 'idem.1:0']]),
        commit('m', 'invoke', 1),
        commit('m', 'ok', 1),
        all,
      ],
      3,
    ),
  ).toEqual([]);
});

test.each<[string, (ChaosEvent | ChaosEvent[])[], Violation['rule'][]]>([
  ['an acknowledged record is gone', [three, final([0, 'idem.1:0'], [2, 'idem.1:2'])], ['lost']],
  ['… of a producer with acks=1: that may be', [send('fast.1:0', 0), final()], []],
  [
    'a record is not where the acknowledgement said',
    [send('plain.1:0', 4), final([5, 'plain.1:0'])],
    ['moved'],
  ],
  [
    'two values at one offset, polled',
    [invoke('fast.1:0'), invoke('fast.1:1'), poll('a', [[0, 'fast.1:0']]), poll('b', [[0, 'fast.1:1']])],
    ['inconsistent-offsets'],
  ],
  [
    'two acknowledgements of one offset',
    [invoke('plain.1:0'), invoke('plain.2:0'), outcome('ok', 'plain.1:0', 7), outcome('ok', 'plain.2:0', 7)],
    ['inconsistent-offsets', 'lost'],
  ],
  ['… of which acks=1 lost one: that may be', [send('fast.1:0', 7), send('fast.2:0', 7)], []],
  ['a record nobody sent', [final([0, 'idem.9:9'])], ['phantom']],
  ['a record in another partition', [invoke('plain.1:0', 'safe-1'), final([0, 'plain.1:0'])], ['phantom']],
  [
    'a record whose send failed',
    [invoke('plain.1:0'), outcome('fail', 'plain.1:0'), final([0, 'plain.1:0'])],
    ['failed-but-read'],
  ],
  ['a record of unknown fate is read: that may be', [invoke('plain.1:0'), final([0, 'plain.1:0'])], []],
  [
    'an idempotent record twice',
    [send('idem.1:0', 0), final([0, 'idem.1:0'], [1, 'idem.1:0'])],
    ['duplicate'],
  ],
  ['another one twice: that may be', [send('plain.1:0', 1), final([0, 'plain.1:0'], [1, 'plain.1:0'])], []],
  [
    'an idempotent producer out of order',
    [invoke('idem.1:0'), invoke('idem.1:1'), final([0, 'idem.1:1'], [1, 'idem.1:0'])],
    ['order'],
  ],
  [
    'an acknowledgement below an earlier one',
    [send('plain.1:0', 5), send('plain.1:1', 3), final([3, 'plain.1:1'], [5, 'plain.1:0'])],
    ['real-time'],
  ],
  [
    'a consumer goes back',
    [
      three,
      position('r', 0),
      poll('r', [
        [0, 'idem.1:0'],
        [1, 'idem.1:1'],
      ]),
      poll('r', [[0, 'idem.1:0']]),
      all,
    ],
    ['nonmonotonic-poll'],
  ],
  [
    '… because it was told to: that may be',
    [
      three,
      position('r', 0),
      poll('r', [[0, 'idem.1:0']]),
      position('r', 0),
      poll('r', [[0, 'idem.1:0']]),
      all,
    ],
    [],
  ],
  [
    'a consumer skips a record',
    [three, position('r', 0), poll('r', [[0, 'idem.1:0']]), poll('r', [[2, 'idem.1:2']]), all],
    ['poll-skip'],
  ],
  [
    'a consumer skips offsets that hold no record: that may be',
    [
      send('idem.1:0', 0),
      send('idem.1:1', 4),
      poll('r', [
        [0, 'idem.1:0'],
        [4, 'idem.1:1'],
      ]),
      final([0, 'idem.1:0'], [4, 'idem.1:1']),
    ],
    [],
  ],
  [
    'a committed offset goes back',
    [
      three,
      delivered('m', [
        [0, 'idem.1:0'],
        [1, 'idem.1:1'],
      ]),
      commit('m', 'invoke', 2),
      commit('m', 'ok', 2),
      commit('n', 'invoke', 1),
      commit('n', 'ok', 1),
      all,
    ],
    ['commit-back'],
  ],
  [
    'commits that overlap end in any order: that may be',
    [
      three,
      delivered('m', [
        [0, 'idem.1:0'],
        [1, 'idem.1:1'],
      ]),
      commit('n', 'invoke', 1),
      commit('m', 'invoke', 2),
      commit('m', 'ok', 2),
      commit('n', 'ok', 1),
      all,
    ],
    [],
  ],
  [
    'a group commits what no member got',
    [three, delivered('m', [[0, 'idem.1:0']]), commit('m', 'invoke', 2), commit('m', 'ok', 2), all],
    ['group-skip'],
  ],
])('%s', (_name, events, expected) => {
  expect(rules(events)).toEqual(expected);
});

test('a record of an idempotent producer may be there twice when the producer changed its epoch', () => {
  const twice = [...send('idem.1:0', 0), final([0, 'idem.1:0'], [1, 'idem.1:0'])];
  expect(rules(twice, 0, { writer: (_key, offset) => `7 epoch ${offset}` })).toEqual([]);
  expect(rules(twice, 0, { writer: () => '7 epoch 0' })).toEqual(['duplicate']);
});

test('a final read that did not reach the end is reported as inconclusive', () => {
  expect(rules([three, all], 4)).toEqual(['inconclusive']);
});

test('a million events are checked in seconds', () => {
  const events: ChaosEvent[] = [];
  const records: [number, string][] = [];
  for (let i = 0; i < 330_000; i++) {
    events.push(...send(`idem.1:${i}`, i));
    records.push([i, `idem.1:${i}`]);
  }
  for (let i = 0; i < records.length; i += 100) events.push(poll('r', records.slice(i, i + 100)));
  events.push(poll('final', records, { final: true }));
  expect(rules(events, 330_000)).toEqual([]);
}, 60_000);
