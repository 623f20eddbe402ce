/** Values of every config type are accepted and refused as by Apache Kafka, in its words. */
import { describe, expect, test } from 'vitest';
import { alterList } from '../../src/config/alter.ts';
import { ConfigError, list, long, parseValue, type Property } from '../../src/config/define.ts';
import { topicProperties } from '../../src/config/tables/topic.ts';
import { kafkaAnswers } from './kafka-answers.ts';

function problem(key: string, text: string): string | null {
  try {
    parseValue(key, topicProperties[key as keyof typeof topicProperties] as Property, text);
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

describe.each(Object.entries(kafkaAnswers))('%s', (key, rows) => {
  test.each(rows)('%j', (text, error) => {
    expect(problem(key, text)).toBe(error);
  });
});

test('repeated elements of a list are dropped, the first one stays', () => {
  expect(parseValue('k', list([]) as Property, 'b, a,b , a')).toEqual(['b', 'a']);
});

test.each([
  ['APPEND', 'delete', 'compact', 'delete,compact'],
  ['APPEND', 'delete', 'delete', 'delete'],
  ['APPEND', 'delete', '', 'delete,'],
  ['APPEND', 'delete', ',', 'delete'],
  ['SUBTRACT', 'delete,compact', 'delete', 'compact'],
  ['SUBTRACT', 'delete', 'absent', 'delete'],
  ['SUBTRACT', 'a,a', 'a', 'a'],
  ['SUBTRACT', 'delete', 'delete', ''],
] as const)('%s to %j of %j', (operation, current, text, after) => {
  expect(alterList('k', list([]) as Property, current, operation, text)).toBe(after);
});

test('APPEND and SUBTRACT are refused for a value that is not a list', () => {
  expect(() => alterList('k', long(0) as Property, '1', 'APPEND', '2')).toThrow(
    "Can't APPEND to key k because its type is not LIST.",
  );
});
