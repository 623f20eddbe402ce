import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const scripts = ['scripts', 'test']
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
  )
  .filter((file) => file.endsWith('.mjs') || file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(file, 'utf8') }));
const withOptions = scripts.filter(({ text }) => /scriptOptions\(\s*import\.meta\.url/.test(text));

function run(file: string, ...args: string[]): Promise<{ status: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) =>
      resolve({ status: error?.code ?? 0, stdout, stderr }),
    );
  });
}

test('no script parses its options itself', () => {
  const own = scripts.filter(({ text }) => /import \{[^}]*\bparseArgs\b/.test(text));
  expect(own.map(({ file }) => file)).toEqual(['scripts/lib/options.mjs']);
});

test('the head of every script with options has its usage', () => {
  const without = withOptions.filter(({ text }) => !/^\/\*\*(?:(?!\*\/)[^])*\n \*\n \* usage: /.test(text));
  expect(withOptions.length).toBeGreaterThan(20);
  expect(without.map(({ file }) => file)).toEqual([]);
});

test('a wrong option, a word that is not expected and a wrong number are refused with status 2', async () => {
  const wrong = {
    '--no-such-option': "Unknown option '--no-such-option'",
    '--seed': "Option '--seed <value>' argument missing",
    '--seed=one': "--seed: 'one' is not a number",
    word: "unexpected argument 'word'",
  };
  for (const [arg, message] of Object.entries(wrong)) {
    const { status, stdout, stderr } = await run('scripts/fuzz.mjs', arg);
    expect({ status, stdout, first: stderr.split('\n')[0] }).toEqual({
      status: 2,
      stdout: '',
      first: `scripts/fuzz.mjs: ${message}`,
    });
    expect(stderr).toContain('\nusage: npm run fuzz -- [--count N]');
  }
});

test('--help prints the comment at the head of the script', async () => {
  const { status, stdout } = await run('scripts/fuzz.mjs', '--help');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^`npm run fuzz`: sends random requests/);
});
