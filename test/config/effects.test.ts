import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { brokerProperties } from '../../src/config/broker-properties.ts';
import type { Property } from '../../src/config/define.ts';
import { groupProperties } from '../../src/config/tables/entities.ts';
import { topicProperties } from '../../src/config/tables/topic.ts';
import { explainedKeys, reasonWithoutEffect } from '../../src/config/without-effect.ts';

const root = join(import.meta.dirname, '../../src');
const code = readdirSync(root, { recursive: true, encoding: 'utf8' })
  // Tools read properties of others, such as those of a container.
  .filter((path) => path.endsWith('.ts') && !/^(config.tables|cli)\b/.test(path))
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');
const synonyms = Object.values(topicProperties).map((property) => property.synonym as string | null);

/** A call that reads a broker property, or an access to the values of the file; a name in a comment or a message is neither. */
const reads = new Set(
  [
    ...code.matchAll(
      /(?:\b(?:get|bind|listenerValue|intOf|valueOf)(?:<[^>]*>)?\(\s*(?:\w+,\s*)?|\[)'([a-z0-9.]+)'/g,
    ),
  ].map(([, name]) => name),
);

test('a row that says "honoured" is read by some code', () => {
  const unread = Object.entries<Property>(brokerProperties).filter(
    ([name, { effect }]) => effect === 'honoured' && !synonyms.includes(name) && !reads.has(name),
  );
  expect(unread.map(([name]) => name)).toEqual([]);
  const ofGroups = Object.entries<Property>(groupProperties).filter(
    ([name, { effect }]) => effect === 'honoured' && !code.includes(`'${name}'`),
  );
  expect(ofGroups.map(([name]) => name)).toEqual([]);
});

/** Keys whose names the code puts together. */
const assembled: readonly string[] = [
  'leader.replication.throttled.replicas',
  'follower.replication.throttled.replicas',
];

test('a row that says "missing" or "none" is read by no code', () => {
  const read = Object.entries<Property>(brokerProperties).filter(
    ([name, { effect }]) =>
      effect !== 'honoured' &&
      // Given to the compressor, which has one level.
      name !== 'compression.lz4.level' &&
      (code.includes(`get('${name}')`) || code.includes(`bind('${name}')`)),
  );
  expect(read.map(([name]) => name)).toEqual([]);
});

const everyRow = Object.entries<Property>({ ...brokerProperties, ...topicProperties, ...groupProperties });

test('a row without effect has a reason', () => {
  const unexplained = everyRow.filter(
    ([name, { effect }]) => effect !== 'honoured' && reasonWithoutEffect(name) === null,
  );
  expect(unexplained.map(([name]) => name)).toEqual([]);
});

test('reasons are sentences, and exist for keys without effect only', () => {
  for (const name of explainedKeys) {
    expect(reasonWithoutEffect(name)).toMatch(/^[A-Z].*\.$/);
    const rows = everyRow.filter(([key, { effect }]) => key === name && effect !== 'honoured');
    expect(rows, name).not.toHaveLength(0);
  }
});

test('a row with an effect has a description', () => {
  const silent = everyRow.filter(([, { effect, doc }]) => effect === 'honoured' && doc === undefined);
  expect(silent.map(([name]) => name)).toEqual([]);
});

test('honoured keys of topics are read by code, by their name or their field', () => {
  const unread = Object.entries<Property>(topicProperties).filter(
    ([name, { effect }]) =>
      effect === 'honoured' &&
      !assembled.includes(name) &&
      !code.includes(`'${name}'`) &&
      !code.includes(name.replaceAll(/\.(\w)/g, (_all, letter: string) => letter.toUpperCase())),
  );
  expect(unread.map(([name]) => name)).toEqual([]);
});
