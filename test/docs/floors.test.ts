/** The diagrams of the floors in the documentation must show what `scripts/check/floors.json` has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { floors } = JSON.parse(readFileSync(join(root, 'scripts/check/floors.json'), 'utf8')) as {
  floors: string[][];
};

/** The code block behind the heading "Floors": folders, a floor a line, the highest first. */
function picture(path: string): string[][] {
  const text = readFileSync(join(root, path), 'utf8');
  const block = /## Floors[\s\S]*?```\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  const known = new Set(floors.flat());
  return block
    .trim()
    .split('\n')
    .map(
      (line) =>
        line
          .replace(/^\d+\s+/, '')
          .split(/\s{3,}/)[0]
          ?.split(/\s+/)
          .filter((word) => known.has(word)) ?? [],
    );
}

test.each(['docs/architecture.md', 'docs/first-day.md'])('%s', (path) => {
  expect(picture(path)).toEqual([...floors].reverse());
});
