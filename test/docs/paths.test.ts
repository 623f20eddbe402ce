/** Every file that a page for newcomers names must exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' });

function isThere(path: string): boolean {
  if (existsSync(path) || existsSync(`src/${path}`)) return true;
  return sources.some((source) => source === path || source.endsWith(`/${path}`));
}

test.each(['architecture', 'wire', 'simulation', 'limits'])('docs/%s.md', (page) => {
  const text = readFileSync(`docs/${page}.md`, 'utf8');
  const named = [
    ...text.matchAll(/`((?:src|test|scripts|proto|docs)\/[\w./-]*\w\/?|[\w/-]+\.(?:ts|mjs|proto))`/g),
  ];
  const paths = named.map(([, path = '']) => path.replace(/\/$/, ''));
  expect(paths.length).toBeGreaterThan(3);
  expect(paths.filter((path) => !isThere(path) && !existsSync(`test/${path}`) && !/NN-/.test(path))).toEqual(
    [],
  );
});

/** Where a path of first-day.md begins, as the head of the page says; null: there is no such file. */
function resolve(path: string): string | null {
  const found = /^(docs|proto|scripts|test)\//.test(path) ? path : `src/${path}`;
  return existsSync(found) ? found : null;
}

test('docs/first-day.md names paths in full, and names that its files have', () => {
  const text = readFileSync('docs/first-day.md', 'utf8').replace(/```[\s\S]*?```/g, '');
  const paths = [...text.matchAll(/`((?:[\w.-]+\/)+[\w.-]*|[\w.-]+\.(?:ts|mjs|md))`/g)]
    .map(([, path = '']) => path)
    .filter((path) => path !== 'src/' && !/NN-name|NAME/.test(path));
  expect(paths.length).toBeGreaterThan(100);
  expect(paths.filter((path) => resolve(path) === null)).toEqual([]);
  const wrong: string[] = [];
  for (const [, path = '', names = ''] of text.matchAll(/`([\w/.-]+\.ts)` \((`[^)]*)\)/g))
    for (const [, name = ''] of names.matchAll(/`([#\w]+)`/g))
      if (!readFileSync(resolve(path) ?? path, 'utf8').includes(name)) wrong.push(`${path}: ${name}`);
  expect(wrong).toEqual([]);
});
