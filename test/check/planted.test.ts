import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** Each check of `npm run check` must fail on a violation planted in a small tree, and pass without it. */

const repository = process.cwd();
let tree = '';

function plant(path: string, content: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), content);
}

function check(name: string): { status: number; output: string } {
  const result = spawnSync(process.execPath, ['scripts/check/all.mjs', name], {
    cwd: tree,
    encoding: 'utf8',
    env: { ...process.env, CHECK_ROOT: tree },
  });
  return { status: result.status ?? -1, output: result.stdout + result.stderr };
}

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'bendemann-check-'));
  cpSync(join(repository, 'scripts/check'), join(tree, 'scripts/check'), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(tree, 'node_modules'));
  cpSync(join(repository, 'tsconfig.json'), join(tree, 'tsconfig.json'));
  plant('package.json', '{\n  "name": "planted",\n  "type": "module"\n}\n');
  plant('scripts/check/knip.json', '{ "entry": ["src/server/main.ts"], "project": ["src/**/*.ts"] }\n');
  plant('src/base/README.md', '# base\n');
  plant('src/broker/README.md', '# broker\n');
  plant('src/server/README.md', '# server\n');
  plant('src/server/main.ts', "/** Main. */\nimport { two } from '../broker/two.ts';\n\ntwo();\n");
  plant('src/base/one.ts', '/** One. */\nexport function one(): number {\n  return 1;\n}\n');
  plant(
    'src/broker/two.ts',
    "/** Two. */\nimport { one } from '../base/one.ts';\n\nexport function two(): number {\n  return one() + 1;\n}\n",
  );
});

afterEach(() => {
  rmSync(tree, { recursive: true, force: true });
});

const longFunction = `/** Long. */\nexport function long(): void {\n${'  one();\n'.repeat(70)}}\nfunction one(): void {}\n`;

describe('npm run check', () => {
  test.each([
    ['format', 'src/base/bad.ts', '/** Bad. */\nexport const x   =  "1"\n'],
    ['lint', 'src/base/bad.ts', '/** Bad. */\nexport function bad(): void {\n  Promise.resolve(1);\n}\n'],
    ['types', 'src/base/bad.ts', "/** Bad. */\nexport const x: number = 'one';\n"],
    ['pure types', 'src/base/bad.ts', '/** Bad. */\nexport const x = Buffer.alloc(1);\n'],
    [
      'layering',
      'src/base/bad.ts',
      "/** Bad. */\nimport { two } from '../broker/two.ts';\n\nexport const x = two();\n",
    ],
    [
      'layering',
      'src/broker/bad.ts',
      "/** Bad. */\nimport { readFileSync } from 'node:fs';\n\nexport const x = readFileSync;\n",
    ],
    ['dead code', 'src/base/dead.ts', '/** Dead. */\nexport const dead = 1;\n'],
    ['tidy', 'src/broker/bad.ts', '/** Bad. */\nexport const x = Date.now();\n'],
    ['tidy', 'src/broker/bad.ts', 'export const headerless = 1;\n'],
    ['tidy', 'src/broker/bad.ts', longFunction],
    ['tidy', 'src/broker/bad.ts', `/** Long. */\n${'export {};\n'.repeat(600)}`],
    ['tidy', 'src/nowhere/lost.ts', '/** In a folder without README. */\nexport {};\n'],
  ])('%s fails on a violation planted in %s', (name, path, content) => {
    expect(check(name)).toMatchObject({ status: 0 });
    plant(path, content);
    const { status, output } = check(name);
    expect(output).toContain(`check: ${name} FAILED`);
    expect(status).toBe(1);
  });
});
