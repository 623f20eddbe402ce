import { describe, expect, test } from 'vitest';
import { compileJavaPattern, PatternSyntaxError } from '../../src/config/java-pattern.ts';

describe('an expression of java.util.regex', () => {
  test.each([
    ['orders.*', ['orders', 'orders-eu'], ['my-orders']],
    ['a|b', ['a', 'b'], ['ab', 'ac']],
    ['\\p{L}+', ['abc', 'é'], ['a1', '']],
    ['\\pN\\p{Lu}', ['1A'], ['1a']],
    ['\\p{IsLatin}+', ['abc'], ['αβγ']],
    ['\\p{Alnum}+', ['a1'], ['a_', 'é']],
    ['[\\p{Lower}_]+', ['a_b'], ['A', 'ß']],
    ['\\P{Upper}*', ['a-1'], ['aB']],
    ['(?i)ORDERS', ['orders', 'Orders'], ['order']],
    ['\\Qa.b\\E', ['a.b'], ['axb']],
    ['(?!_).*', ['orders'], ['_internal']],
    ['.*(?<!-dlq)', ['orders'], ['orders-dlq']],
    ['(a|b)\\1', ['aa', 'bb'], ['ab']],
    ['\\Aa\\z', ['a'], ['ab']],
    ['', [''], ['a']],
  ])('%s matches whole names as in Java', (pattern, matching, others) => {
    const compiled = compileJavaPattern(pattern);
    for (const text of matching) expect([text, compiled.matches(text)]).toEqual([text, true]);
    for (const text of others) expect([text, compiled.matches(text)]).toEqual([text, false]);
  });

  // Messages of java.util.regex.PatternSyntaxException (OpenJDK 17).
  test.each([
    ['(abc', 'Unclosed group near index 4\n(abc'],
    ['((a)', 'Unclosed group near index 4\n((a)'],
    ['abc)', "Unmatched closing ')' near index 2\nabc)\n  ^"],
    ['a(b))c', "Unmatched closing ')' near index 3\na(b))c\n   ^"],
    ['[abc', 'Unclosed character class near index 3\n[abc\n   ^'],
    ['a[', 'Unclosed character class near index 1\na[\n ^'],
    ['[]', 'Unclosed character class near index 1\n[]\n ^'],
    ['*abc', "Dangling meta character '*' near index 0\n*abc\n^"],
    ['a(*b)', "Dangling meta character '*' near index 2\na(*b)\n  ^"],
    ['a|*b', "Dangling meta character '*' near index 2\na|*b\n  ^"],
    ['a**', "Dangling meta character '*' near index 2\na**\n  ^"],
    ['?x', "Dangling meta character '?' near index 0\n?x\n^"],
    ['a\\', 'Unexpected internal error near index 2\na\\'],
    ['\\p{Foo}', 'Unknown character property name {Foo} near index 6\n\\p{Foo}\n      ^'],
    ['\\pX', 'Unknown character property name {X} near index 2\n\\pX\n  ^'],
  ])("%s is refused with Java's message", (pattern, message) => {
    expect(() => compileJavaPattern(pattern)).toThrow(new PatternSyntaxError(message));
  });

  test('an expression that neither engine supports is refused', () => {
    expect(() => compileJavaPattern('(?>a)b')).toThrow(PatternSyntaxError);
    expect(() => compileJavaPattern('[a-z&&[^aeiou]]')).toThrow(PatternSyntaxError);
    expect(() => compileJavaPattern('a++b')).toThrow(PatternSyntaxError);
  });
});
