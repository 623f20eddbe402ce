import { describe, expect, test } from 'vitest';
import { compileRegex, RegexError, regexSize, regexSizeMax } from '../../src/config/regex.ts';

describe('regexSizeMax bounds what an expression compiles to', () => {
  test.each([
    ['many characters', 'a'.repeat(1_000_000)],
    ['a repeated optional', '(?:a?){1000}'.repeat(100)],
    ['a long group repeated', `(?:${'abcdefgh'.repeat(100)}){10}`],
    ['repetitions within each other', '(?:(?:(?:abcdef){10}){10}){10}'],
    ['a repetition repeated', 'abcdef{10}{10}{50}'],
    ['many Unicode classes', `[${'\\pL'.repeat(1_000)}]`],
    ['a Unicode class repeated', '\\p{Greek}{900}'],
    ['a quoted parenthesis does not hide the group', `(${'x'.repeat(100)}\\Q)\\E${'x'.repeat(100)}){100}`],
    ['nor one in a class', `(${'x'.repeat(100)}[)]${'x'.repeat(100)}){100}`],
    ['nor an escaped one', `(${'x'.repeat(100)}\\)${'x'.repeat(100)}){100}`],
    ['at least, and a number', '(?:abcdefgh){600,}'],
  ])('%s', (_, pattern) => {
    expect(() => compileRegex(pattern)).toThrow(RegexError);
  });

  test.each([
    'topic-[0-9]{1,3}',
    `(?:${Array.from({ length: 200 }, (_, i) => `orders-of-shop-${i}`).join('|')})`,
    '(?i)[a-z]{249}',
    '\\pL+-\\d{4}',
    '',
  ])('%s is taken', (pattern) => {
    expect(compileRegex(pattern).size).toBeLessThanOrEqual(regexSizeMax);
  });

  test('what does not parse is counted, and refused by RE2', () => {
    for (const pattern of ['(', ')', '[', '[a', '\\', 'a{2', '\\Qabc', '(?=a)', 'a{1001}', '{3}'])
      expect(regexSize(pattern)).toBeLessThan(1_100);
    for (const pattern of ['(', '[a', '(?=a)', 'a{1001}'])
      expect(() => compileRegex(pattern)).toThrow(RegexError);
  });
});

test('a whole text matches, or it does not', () => {
  expect(compileRegex('t.*').matches('t1')).toBe(true);
  expect(compileRegex('t.*').matches('xt1')).toBe(false);
});
