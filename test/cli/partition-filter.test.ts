import { describe, expect, test } from 'vitest';
import { filterOfRules, filterOfTopic } from '../../src/cli/cluster/partition-filter.ts';
import { parseTime } from '../../src/cli/topics/kafka-get-offsets-options.ts';

describe('a rule of topic and partition', () => {
  const filter = filterOfRules('a:1,b:0-3,c,d.*:4-,e:-2,:9');
  test.each([
    ['a', 1, true],
    ['a', 0, false],
    ['b', 0, true],
    ['b', 3, false],
    ['c', 77, true],
    ['dx', 4, true],
    ['dx', 3, false],
    ['e', 1, true],
    ['e', 2, false],
    ['other', 9, true],
    ['other', 8, false],
  ])('selects %s-%i: %s', (topic, partition, isMeant) => {
    expect(filter(topic, partition)).toBe(isMeant);
  });

  test('is refused when its partition is not a number or range', () => {
    expect(() => filterOfRules('a:x')).toThrow('Invalid rule specification: a:x');
  });
});

describe('--topic and --partitions', () => {
  test('a comma means "or", and the whole topic name must match', () => {
    const filter = filterOfTopic('a|b.,c', null);
    expect(['a', 'ax', 'bx', 'c'].map((name) => filter(name, 0))).toEqual([true, false, true, true]);
  });

  test('partitions are numbers', () => {
    expect(filterOfTopic(null, '1,3')('any', 3)).toBe(true);
    expect(filterOfTopic(null, '1,3')('any', 2)).toBe(false);
    expect(() => filterOfTopic(null, '0-1')).toThrow(
      '--partitions expects a comma separated list of numeric partition ids, but received: 0-1',
    );
  });
});

test('a time is one of the names or a number', () => {
  expect(['latest', 'earliest', 'max-timestamp', '-5', '123'].map(parseTime)).toEqual([-1, -2, -3, -5, 123]);
  expect(() => parseTime('soon')).toThrow('Malformed time argument soon.');
});
