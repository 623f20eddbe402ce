import { expect, test } from 'vitest';
import { parseDeletions } from '../../src/cli/topics/kafka-delete-records.ts';

const one = { topic: 't', partition: 0, offset: 3 };

test('offsets are read from a file of version 1, which is the default', () => {
  expect(parseDeletions(JSON.stringify({ version: 1, partitions: [one] }))).toEqual([one]);
  expect(parseDeletions(JSON.stringify({ partitions: [one] }))).toEqual([one]);
});

test.each([
  ['{', 'The input string is not a valid JSON'],
  ['{}', 'Missing partitions field'],
  ['{"partitions":[],"version":2}', 'Not supported version field value 2'],
  [JSON.stringify({ partitions: [one, one] }), 'Offset json file contains duplicate topic partitions: t-0'],
])('the file %s is refused: %s', (text, message) => {
  expect(() => parseDeletions(text)).toThrow(message);
});
