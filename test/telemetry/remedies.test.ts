/** Every WARN and ERROR line that the source can log has a remedy, and every remedy belongs to such a line. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { remedies, remedyFor, systemRemedies } from '../../src/telemetry/remedies.ts';

const root = join(import.meta.dirname, '../../src');
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('remedies.ts') && !path.startsWith('cli/'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** What stands behind the parenthesis of a call that logs a WARN or an ERROR, up to the comma or the end of the call. */
const calls = sources.flatMap(({ path, text }) =>
  [
    ...text.matchAll(
      /(?:\.warn|\.#warn|\.warnOnce|\bwarn|\b[lL]ogger\.error)\(\s*('[^']*'|`[^`]*`|[^,()]+)/g,
    ),
  ].map((found) => ({
    path,
    argument: (found[1] as string).trim(),
  })),
);
const sentences = calls.flatMap(({ argument }) => /^'(.*)'$/.exec(argument)?.[1] ?? []);
/**
 * Passing a sentence on; the warnings about a configuration and the end of a start (`start-failure.ts`), which say themselves
 * what to do.
 */
const passing =
  /^(message|warning|fields|`Exiting Kafka due to fatal exception: .*`|message: string|warning: string)$/;

test('each call that logs a warning or an error has a constant sentence', () => {
  expect(sentences.length).toBeGreaterThan(70);
  const odd = calls.filter(({ argument }) => !/^'.*'$/.test(argument) && !passing.test(argument));
  expect(odd).toEqual([]);
});

test('each sentence has a remedy', () => {
  expect(sentences.filter((sentence) => remedyFor(sentence) === null)).toEqual([]);
});

test('each remedy belongs to a sentence that some code writes', () => {
  const all = sources.map(({ text }) => text).join('\n');
  expect(Object.keys(remedies).filter((sentence) => !all.includes(`'${sentence}'`))).toEqual([]);
});

/** Docs are made from the tables: `npm test -- test/telemetry/remedies.test.ts -u` writes them. */
test('docs/ops/messages.md lists all remedies', async () => {
  const table = (rows: Readonly<Record<string, string>>): string =>
    Object.entries(rows)
      .map(([sentence, remedy]) => `| ${sentence} | ${remedy} |`)
      .join('\n');
  const text = `# Messages, and what to do

Every WARN and ERROR of a node, by the sentence at the beginning of the line. The line ends with the same advice. Made from
\`src/telemetry/remedies.ts\`. What new users meet most often is in [mistakes.md](mistakes.md), levels and formats in [logs.md](logs.md).

| line | what to do |
|---|---|
${table(remedies)}

## Errors of the system

When a line or the end of a start names one of these, this is said in place of the above.

| code | what to do |
|---|---|
${table(systemRemedies)}
`;
  await expect(text).toMatchFileSnapshot('../../docs/ops/messages.md');
});

test('each remedy is a sentence', () => {
  for (const remedy of Object.values(remedies)) expect(remedy).toMatch(/^[A-Z].*\.$/);
});
