import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { brokerProperties } from '../../src/config/broker-properties.ts';
import type { Property } from '../../src/config/define.ts';
import { groupProperties } from '../../src/config/tables/entities.ts';
import { topicProperties } from '../../src/config/tables/topic.ts';

const root = join(import.meta.dirname, '../../src');
const code = readdirSync(root, { recursive: true, encoding: 'utf8' })
  // Tools read properties of others, such as those of a container.
  .filter((path) => path.endsWith('.ts') && !/^(config.tables|cli)\b/.test(path))
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');
const synonyms = Object.values(topicProperties).map((property) => property.synonym as string | null);

test('a row that says "honoured" is read by some code', () => {
  const rows = Object.entries<Property>({ ...brokerProperties, ...groupProperties });
  const unread = rows.filter(
    ([name, { effect }]) => effect === 'honoured' && !synonyms.includes(name) && !code.includes(`'${name}'`),
  );
  expect(unread.map(([name]) => name)).toEqual([]);
});

test('a row that says "missing" is read by no code: whoever builds it changes the row', () => {
  const read = Object.entries<Property>(brokerProperties).filter(
    ([name, { effect }]) =>
      effect === 'missing' && (code.includes(`get('${name}')`) || code.includes(`bind('${name}')`)),
  );
  expect(read.map(([name]) => name)).toEqual([]);
});
