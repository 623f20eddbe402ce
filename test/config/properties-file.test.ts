import { expect, test } from 'vitest';
import { parseProperties } from '../../src/config/properties-file.ts';

test('comments, separators, blanks, continuation, escapes and duplicates are those of java.util.Properties', () => {
  const text = [
    '# comment',
    '  ! comment too',
    '',
    'a=1',
    'b : 2 ',
    'c 3',
    'd',
    'e=',
    'f = x\\',
    '    y, \\',
    '# not a comment',
    'g\\ h\\:i=\\u0041\\tB\\\\',
    'path=C:\\\\data',
    'a=last',
    'url=http://x:80/?q=1',
  ].join('\r\n');
  expect(Object.fromEntries(parseProperties(text))).toEqual({
    a: 'last',
    b: '2 ',
    c: '3',
    d: '',
    e: '',
    f: 'xy, # not a comment',
    'g h:i': 'A\tB\\',
    path: 'C:\\data',
    url: 'http://x:80/?q=1',
  });
});
