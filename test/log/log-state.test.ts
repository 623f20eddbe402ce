/** The comment of each field of LogState must name the files that change it. This test checks that no other file does. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../../src/log');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);
const sources = new Map(
  files.map((name) => [basename(name, '.ts'), readFileSync(join(folder, name), 'utf8')]),
);
const declaration = sources.get('log-state') ?? '';

/** Reads from each field's comment the files that may change it. Text in brackets in the comment is ignored. */
function declared(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [, comment = '', field = ''] of declaration.matchAll(
    /\/\*\*\s([^/]*)\s\*\/\n  (\w+)(?::| =)/g,
  )) {
    const list = /Changed by ([^.]*)\./.exec(comment.replaceAll(/\n\s*\*/g, ''))?.[1];
    if (list === undefined) continue;
    found.set(
      field,
      list
        .replaceAll(/\([^)]*\)/g, '')
        .split(',')
        .map((name) => name.trim())
        .sort(),
    );
  }
  return found;
}

/** The names of all fields of LogState that are not readonly. */
function mutable(): string[] {
  const body = declaration.slice(
    declaration.indexOf('export class LogState'),
    declaration.indexOf('  constructor('),
  );
  return [...body.matchAll(/^  (\w+)(?::| =)/gm)].map(([, field = '']) => field);
}

function changes(source: string, field: string): boolean {
  const assigned = new RegExp(`\\bstate\\.${field} (?:=|\\+=|-=|\\|\\|=|\\?\\?=) |#state\\.${field} = `);
  return (
    assigned.test(source) || new RegExp(`\\bstate\\.${field}\\.(?:push|splice|pop|shift)\\(`).test(source)
  );
}

test('the comment of each mutable field names the files that change it', () => {
  expect([...declared().keys()].sort()).toEqual(mutable().sort());
  expect(mutable().length).toBeGreaterThan(20);
});

test.each([...declared()])('%s', (field, names) => {
  const found = [...sources].filter(([name, source]) => name !== 'log-state' && changes(source, field));
  expect(found.map(([name]) => name).sort()).toEqual(names);
});

test('no file of another folder changes a field', () => {
  const src = join(folder, '..');
  const others = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.startsWith('log/'),
  );
  const own = new RegExp(`\\blog\\.state\\.(?:${mutable().join('|')}) = `);
  expect(others.filter((name) => own.test(readFileSync(join(src, name), 'utf8')))).toEqual([]);
});
