/**
 * Our tools and those of Apache Kafka 4.3.1, option by option. `kafka-options.json` has the options that Kafka's own show under
 * --help, by command line; subcommands have lines of their own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
// @ts-expect-error plain JavaScript, as scripts are
import { toolsOfKafka, toolsPage } from '../../scripts/docs/tools-table.mjs';
import { HelpRequest } from '../../src/cli/arguments/argparse.ts';
import { type CliIo, ToolError, type ToolMain } from '../../src/cli/tool.ts';
import { tools } from '../../src/cli/tools.ts';

const root = join(import.meta.dirname, '../..');
const optionsOfKafka = JSON.parse(
  readFileSync(join(import.meta.dirname, 'kafka-options.json'), 'utf8'),
) as Record<string, string>;
const table = toolsOfKafka as Record<string, { is: 'same' | 'none here' | 'explains' | 'absent' }>;

/** Both kinds of help: rows of joptsimple begin with the option, rows of argparse4j two blanks later. */
function shownOptions(help: string): string[] {
  const rows = help.split('\n').flatMap((line) => {
    if (/^(?:\* )?--[A-Za-z]/.test(line)) return [line.replace('* ', '').split(/[ ,]/)[0] as string];
    return /^ {2}-/.test(line)
      ? [...line.matchAll(/(?:^ {2}|, )(--[A-Za-z][\w.-]*)/g)].map((found) => found[1])
      : [];
  });
  return [...new Set(rows.map((row) => (row as string).slice(2)))].sort();
}

async function helpOf(line: string): Promise<string> {
  const [name, ...words] = line.split(' ') as [string, ...string[]];
  const tool = tools.find((one) => one.name === name);
  const { main } = (await import(join(root, `src/cli/${tool?.module}.ts`))) as { main: ToolMain };
  let text = '';
  const print = (some: string | Uint8Array): void => {
    text += String(some);
  };
  const io = { stdout: print, stderr: print } as unknown as CliIo;
  const before = name === 'kafka-transactions' && words.length > 0 ? ['--bootstrap-server', 'h:1'] : [];
  try {
    await main([...before, ...words, '--help'], io);
  } catch (error) {
    // Some tools print their help as a failure.
    if (!(error instanceof HelpRequest || error instanceof ToolError)) throw error;
    text += error.message;
  }
  return text;
}

test('every script of Kafka’s bin/ is in the table, and exactly those that are not marked as absent are in ours', () => {
  const ours = tools.map(({ name }) => name);
  for (const [name, { is }] of Object.entries(table))
    expect([name, ours.includes(name)]).toEqual([name, is !== 'absent']);
  const named = Object.keys(optionsOfKafka).map((line) => line.split(' ')[0] as string);
  expect(named.filter((name) => table[name] === undefined)).toEqual([]);
});

describe('the help lists Kafka’s options:', () => {
  test.each(Object.keys(optionsOfKafka))('%s', async (line) => {
    expect(shownOptions(await helpOf(line)).join(' ')).toBe(optionsOfKafka[line]);
  });
});

test('docs/tools.md is up to date (else: node scripts/docs/tools.mjs)', () => {
  expect(readFileSync(join(root, 'docs/tools.md'), 'utf8')).toBe(toolsPage(optionsOfKafka) as string);
});

test('the package installs every launcher', () => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  const own = ['launch.cjs', 'package.json', 'windows'];
  const launchers = readdirSync(join(root, 'bin')).filter((name) => !own.includes(name));
  expect(bin).toEqual(Object.fromEntries(launchers.map((name) => [name, `bin/${name}`])));
});
