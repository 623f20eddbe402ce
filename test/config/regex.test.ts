import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, test } from 'vitest';
import {
  compileRegex,
  compileStoredRegex,
  RegexError,
  regexSize,
  regexSizeMax,
} from '../../src/config/regex.ts';

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
    ['captures of nothing', '(a?){1000}(a?){360}b'],
    ['an empty alternative', '(|a){800}b'],
    ['the last alternative empty', '(?:a|b|){800}'],
    ['an empty group', '(?:()|a){800}'],
    ['flags only', '(?:(?i)|a){800}'],
    ['a named group', '(?P<name>a*){800}'],
    ['a repetition from zero', '(a{0,2}){800}'],
    ['assertions', '(?:^|a){400}(?:\\b|a){400}'],
  ])('%s', (_, pattern) => {
    expect(() => compileRegex(pattern)).toThrow(RegexError);
  });

  test.each([
    'topic-[0-9]{1,3}',
    `(?:${Array.from({ length: 200 }, (_, i) => `orders-of-shop-${i}`).join('|')})`,
    '(?i)[a-z]{249}',
    '\\pL+-\\d{4}',
    '^(?:dev|test|prod)[.](?P<team>[a-z]+)[.].*$',
    '[a-zA-Z._-]{1,249}',
    Array.from({ length: 60 }, (_, i) => `shop-${i}[.].*`).join('|'),
    '',
  ])('%s is taken', (pattern) => {
    expect(compileRegex(pattern).size).toBeLessThanOrEqual(regexSizeMax);
  });

  test('an expression that does not parse has a size, and RE2 refuses it', () => {
    for (const pattern of ['(', ')', '[', '[a', '\\', 'a{2', '\\Qabc', '(?=a)', 'a{1001}', '{3}'])
      expect(regexSize(pattern)).toBeLessThan(1_100);
    for (const pattern of ['(', '[a', '(?=a)', 'a{1001}'])
      expect(() => compileRegex(pattern)).toThrow(RegexError);
  });
});

/** The largest number of instructions that are tried at one character without reading it. */
function instructionsPerCharacter(pattern: string): number {
  const { inst } = RE2JS.compile(pattern).re2().prog as {
    inst: { op: number; out: number; arg: number; runes: unknown[] }[];
  };
  // An instruction that reads a character has runes, or is one of the last two kinds.
  const Kind = (inst[0] as object).constructor as unknown as Record<string, number>;
  const reads = new Set([Kind.RUNE, Kind.RUNE1, Kind.RUNE_ANY, Kind.RUNE_ANY_NOT_NL, Kind.MATCH, Kind.FAIL]);
  let most = 0;
  for (let start = 0; start < inst.length; start++) {
    const seen = new Set([start]);
    for (const at of seen) {
      const { op, out, arg } = inst[at] ?? { op: Kind.FAIL ?? 0, out: 0, arg: 0 };
      if (reads.has(op)) continue;
      seen.add(out);
      if (op === Kind.ALT || op === Kind.ALT_MATCH) seen.add(arg);
    }
    most = Math.max(most, seen.size);
  }
  return most;
}

const { expression } = fc.letrec<{ expression: string; part: string }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '^',
      '$',
      '\\b',
      '()',
      '(?:)',
      '(?i)',
      '\\pL',
      'a?',
      'a*',
      'a+',
      '',
    ),
    fc
      .tuple(fc.constantFrom('(', '(?:', '(?i:', '(?P<n>'), tie('expression'), fc.constantFrom('', '|', '|a'))
      .map(([start, inner, end]) => `${start}${inner}${end})`),
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom('?', '*', '+', '*?', '{0,3}', '{7}', '{40}', '{2,9}', '{300}', '{1000}'),
      )
      .map(([inner, times]) => `(?:${inner})${times}`),
  ),
  expression: fc.array(tie('part'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
}));

test('a compiled expression of any form executes few instructions per character', () => {
  fc.assert(
    fc.property(expression, (pattern) => {
      try {
        compileRegex(pattern);
      } catch (error) {
        if (error instanceof RegexError) return;
        throw error;
      }
      expect(instructionsPerCharacter(pattern)).toBeLessThan(1_200);
    }),
    { numRuns: 2_000 },
  );
});

test('an expression must match the whole text', () => {
  expect(compileRegex('t.*').matches('t1')).toBe(true);
  expect(compileRegex('t.*').matches('xt1')).toBe(false);
});

test('a stored expression that is refused now matches nothing', () => {
  expect(compileStoredRegex('or.*').matches('orders')).toBe(true);
  for (const refused of ['(a?){2000}'.repeat(10), '(', '(?=a)']) {
    expect(() => compileRegex(refused)).toThrow(RegexError);
    expect(compileStoredRegex(refused).matches('a')).toBe(false);
  }
});
