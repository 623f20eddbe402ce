/**
 * Copies the source tree and patches the copies. A patch names the text that it replaces, which must occur exactly once. So a
 * row that no longer fits the source is an error, and not a mutant without effect.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

const copied = [
  'src',
  'test',
  'scripts',
  'bin',
  'proto',
  'kraft-config',
  'docs',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** Makes a copy of the tree in which tests and simulations can run. It uses the dependencies of `root`. */
export function copyTree(root, to) {
  mkdirSync(to, { recursive: true });
  for (const name of copied)
    if (existsSync(join(root, name))) cpSync(join(root, name), join(to, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
}

/** Builds dist/ of the tree, for tests that start processes. Rejects when that fails. */
export async function buildTree(tree) {
  const run = promisify(execFile);
  for (const args of [
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
    ['scripts/bundle.mjs'],
  ])
    await run(process.execPath, args, { cwd: tree }).catch(({ stdout, stderr }) => {
      throw new Error(`dist/ cannot be built: ${stdout}${stderr}`);
    });
}

/** Returns the content of the files of `edits` before and after the patch. Throws when a text does not occur exactly once. */
function patched(tree, edits) {
  const before = new Map();
  const after = new Map();
  for (const { file, from, to } of edits) {
    const path = join(tree, file);
    if (!existsSync(path)) throw new Error(`${file} is not there`);
    if (!before.has(path)) before.set(path, readFileSync(path, 'utf8'));
    const text = after.get(path) ?? before.get(path);
    const parts = text.split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${JSON.stringify(from)}`);
    after.set(path, parts.join(to));
  }
  return { before, after };
}

/** Patches the tree, runs `body`, and restores the tree. */
export async function withEdits(tree, edits, body) {
  const { before, after } = patched(tree, edits);
  for (const [path, text] of after) writeFileSync(path, text);
  try {
    return await body();
  } finally {
    for (const [path, text] of before) writeFileSync(path, text);
  }
}

/** Returns what is wrong with the patches of a row in `tree`; null when they apply and parse. The tree is not changed. */
export function problemOf(tree, edits) {
  try {
    for (const [path, text] of patched(tree, edits).after) {
      const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
      const { diagnostics } = ts.transpileModule(text, { compilerOptions, reportDiagnostics: true });
      const first = diagnostics?.[0];
      if (first !== undefined) {
        const { line } = ts.getLineAndCharacterOfPosition(first.file, first.start);
        return `${path}:${line + 1}: ${ts.flattenDiagnosticMessageText(first.messageText, ' ')}`;
      }
    }
    return null;
  } catch (error) {
    return error.message;
  }
}
