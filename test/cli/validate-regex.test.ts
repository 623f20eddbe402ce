import { expect, test } from 'vitest';
import { validateRegex } from '../../src/cli/arguments/validate-regex.ts';

test.each(['a.*', '[]a]', '[^]a]', '(a|b)+', 'x{2,3}', '(?i)a', '(?:a)', '(?P<n>a)', '\\[a', ''])(
  '%j is valid',
  (pattern) => {
    expect(validateRegex(pattern)).toBe(`The regular expression \`${pattern}\` is valid.`);
  },
);

test.each([
  ['[a', 'missing closing ]'],
  ['(a', 'missing closing )'],
  ['*a', 'missing argument to repetition operator'],
  ['a|+', 'missing argument to repetition operator'],
  ['a\\', 'trailing backslash at end of expression'],
  ['(?=a)', 'invalid or unsupported Perl syntax'],
])('%j: %s', (pattern, mistake) => {
  expect(validateRegex(pattern)).toBe(`The regular expression \`${pattern}\` is invalid: ${mistake}.`);
});
