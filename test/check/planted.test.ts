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
  for (const part of ['scripts/check', 'scripts/lib/options.mjs', 'scripts/lib/ready.mjs'])
    cpSync(join(repository, part), join(tree, part), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(tree, 'node_modules'));
  cpSync(join(repository, 'tsconfig.json'), join(tree, 'tsconfig.json'));
  plant('package.json', '{\n  "name": "planted",\n  "type": "module"\n}\n');
  plant('scripts/check/knip.json', '{ "entry": ["src/server/main.ts"], "project": ["src/**/*.ts"] }\n');
  plant('src/base/README.md', '# base\n\n`one.ts`\n');
  plant('src/broker/README.md', '# broker\n\n`two.ts`\n');
  plant('src/server/README.md', '# server\n\n`main.ts`\n');
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
    ['tidy', 'src/broker/two.ts', '/** Bad. */\nexport const x = Date.now();\n', 'Date.now( is banned'],
    ['tidy', 'src/broker/two.ts', 'export const headerless = 1;\n', 'no header comment'],
    ['tidy', 'src/broker/two.ts', longFunction, 'at most 60 are allowed'],
    ['tidy', 'src/broker/two.ts', `/** Long. */\n${'export {};\n'.repeat(600)}`, 'at most 500 are allowed'],
    ['tidy', 'src/broker/two.ts', `/** ${'wide '.repeat(30)}*/\nexport {};\n`, 'at most 128 are allowed'],
    ['tidy', 'src/nowhere/lost.ts', '/** In a folder without README. */\nexport {};\n', 'no README.md'],
    ['tidy', 'src/base/deep/lost.ts', '/** In a folder without README. */\nexport {};\n', 'no README.md'],
    ['tidy', 'src/broker/new.ts', '/** Not in the map. */\nexport {};\n', 'does not name new.ts'],
    ['tidy', 'scripts/bad.mjs', "/** Bad. */\nimport { x } from '../dist/x.js';\n", 'call ready()'],
    ['tidy', 'scripts/bad.mjs', "/** Bad. */\nawait load('broker/gone.js');\n", 'no source in src/'],
    ['tidy', 'scripts/bad.mjs', '/** Bad. */\nawait load(`broker/${name}.js`);\n', 'write it in full'],
    ['tidy', 'src/broker/README.md', '`two.ts`, `three.ts`\n', 'names three.ts, which is not there'],
  ])('%s fails on a violation planted in %s', (name, path, content, reason = '') => {
    expect(check(name)).toMatchObject({ status: 0 });
    plant(path, content);
    const { status, output } = check(name);
    expect(output).toContain(`check: ${name} FAILED`);
    expect(output).toContain(reason);
    expect(status).toBe(1);
  });

  test('layering fails on a circle of files that import only types of each other', () => {
    plant(
      'src/base/left.ts',
      "/** Left. */\nimport type { Right } from './right.ts';\n\nexport type Left = Right[];\n",
    );
    plant(
      'src/base/right.ts',
      "/** Right. */\nimport type { Left } from './left.ts';\n\nexport type Right = Left[];\n",
    );
    const { status, output } = check('layering');
    expect(output).toContain('no-cycles');
    expect(status).toBe(1);
  });
});
