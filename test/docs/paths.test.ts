/** Files that the entrance pages name are there: a page that leads to a file of the past is worse than none. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' });

function isThere(path: string): boolean {
  if (existsSync(path) || existsSync(`src/${path}`)) return true;
  return sources.some((source) => source === path || source.endsWith(`/${path}`));
}

test.each(['first-day', 'architecture', 'wire', 'simulation', 'limits'])('docs/%s.md', (page) => {
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
