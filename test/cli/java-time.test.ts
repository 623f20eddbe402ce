import { describe, expect, test } from 'vitest';
import { parseDateTime, parseDuration } from '../../src/cli/text/java-time.ts';

describe('the date', () => {
  test.each([
    ['2020-09-13T12:26:42.500', 1_600_000_002_500],
    ['2020-09-13T12:26:42.500Z', 1_600_000_002_500],
    ['2020-09-13T14:26:42.500+02:00', 1_600_000_002_500],
    ['2020-09-13T10:26:42.500-02', 1_600_000_002_500],
  ])('%s is parsed', (text, expected) => {
    expect(parseDateTime(text)).toBe(expected);
  });

  test.each([
    '2020-13-01T00:00:00.000',
    '2020-02-30T00:00:00.000',
    '2020-01-01T00:00:00',
    '2020-01-01T25:00:00.000',
  ])('%s is refused', (text) => {
    expect(() => parseDateTime(text)).toThrow('java.text.ParseException: Unparseable date: "');
  });

  test('without a T is refused', () => {
    expect(() => parseDateTime('yesterday')).toThrow("It does not contain a 'T'");
  });
});

describe('the duration', () => {
  test.each([
    ['P1D', 86_400_000],
    ['PT1H30M', 5_400_000],
    ['P2DT3H4M5.5S', 183_845_500],
    ['-PT1S', -1000],
    ['PT-1S', -1000],
    ['pt1s', 1000],
  ])('%s is parsed', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each(['1h', 'P', 'PT', 'P1DT', 'P1H', ''])('%j is refused', (text) => {
    expect(() => parseDuration(text)).toThrow('Text cannot be parsed to a Duration');
  });
});
