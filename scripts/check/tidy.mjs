/**
 * Checks what no other check sees: the length of files and functions, the width of comments, globals that only adapters may
 * use, header comments, that each folder of src/ has a README which names its files, that the modules which scripts load from
 * dist/ exist, and the rows of docs/limits.md. Prints each violation, and exits with 1 when there is one.
 *
 * usage: node scripts/check/tidy.mjs [root]
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { checkLimits } from './limits.mjs';

const root = process.argv[2] ?? process.cwd();
const fileLinesMax = 500;
const functionLinesMax = 60;
const readmeLinesMax = 60;
const commentColumnsMax = 128;

/** Files that consist of a table may be longer than others. */
const tableFiles = [
  /^src\/config\/.*-table\.ts$/,
  /^src\/protocol\/errors\.ts$/,
  /^src\/protocol\/messages\//,
];

/** Folders that use the clock, the disk and the network directly. In all other folders these globals are banned. */
const worldly = /^src\/(adapters|cli|testing)\//;
/** @type {[pattern: RegExp, instead: string][]} */
const bans = [
  [/\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, 'a Clock'],
  [/\bMath\.random\(/, 'a Random'],
  [/\bset(Timeout|Interval|Immediate)\(/, 'a Scheduler'],
  [/\bprocess\.nextTick\(/, 'a promise or Scheduler.soon'],
  [/\bprocess\.(exit|env|hrtime|on)\b/, 'server/exit.ts or an argument'],
  [/\bconsole\./, 'a Logger'],
  [/\b(read|write)Big(U?)Int64/, 'int64 as a number (protocol/codec)'],
];
/** @type {[pattern: RegExp, instead: string][]} */
const bannedInWorldly = [[/\bprocess\.nextTick\(/, 'a promise or Scheduler.soon']];
/** @type {[pattern: RegExp, instead: string][]} */
const bannedEverywhere = [[/\bFIXME\b/, 'an issue']];
const banExempt = [
  /^src\/server\/(exit|process)\.ts$/,
  /^src\/simulation\/traps\.ts$/,
  /^src\/adapters\/clock\.ts$/,
];

/** A static import from dist/. It fails the types of a clone in which nothing has been built. */
const builtImport = /^(import|export)\b[^;]*\bfrom '[./]*\/dist\//m;

/** A path of a module, in quotes, with at least one folder: what scripts load from dist/. */
const modulePath = /['`]([^'`\n]*\/[^'`\n]*\.js)['`]/g;

const violations = [];
const report = (file, line, text) => violations.push(`${file}:${line}: ${text}`);

function* filesUnder(folder) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).sort()) {
    if (name === 'node_modules' || name === 'dist') continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesUnder(path);
    else yield path;
  }
}

function checkBans(file, lines) {
  const exempt = banExempt.some((pattern) => pattern.test(file));
  const ofFolder = worldly.test(file) ? bannedInWorldly : bans;
  const list = exempt ? bannedEverywhere : [...bannedEverywhere, ...ofFolder];
  lines.forEach((line, index) => {
    const code = line.replace(/\/\/.*$/, '').replace(/^\s*\/?\*.*$/, '');
    for (const [pattern, instead] of list)
      if (pattern.test(code))
        report(file, index + 1, `${pattern.exec(code)[0]} is banned here: use ${instead}`);
  });
}

/** The formatter leaves comments as they are, so their width is checked here. */
function checkWidth(file, lines) {
  lines.forEach((line, index) => {
    if (line.length > commentColumnsMax && /^\s*(\/\/|\/?\*)/.test(line))
      report(
        file,
        index + 1,
        `a comment has ${line.length} columns, at most ${commentColumnsMax} are allowed`,
      );
  });
}

function functionName(node, source) {
  return node.name?.getText(source) ?? node.parent?.name?.getText?.(source) ?? 'anonymous function';
}

/** Whether a function is the body of a `describe` block. It has no limit of length; each of its tests has. */
function isDescribe(node) {
  const call = node.parent;
  return call !== undefined && ts.isCallExpression(call) && /^describe\b/.test(call.expression.getText());
}

function checkFunctions(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const visit = (node) => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body && !isDescribe(node)) {
      const from = source.getLineAndCharacterOfPosition(node.body.getStart(source)).line;
      const to = source.getLineAndCharacterOfPosition(node.body.end).line;
      if (to - from + 1 > functionLinesMax)
        report(
          file,
          from + 1,
          `${functionName(node, source)} has ${to - from + 1} lines, at most ${functionLinesMax} are allowed`,
        );
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

/**
 * Checks that the modules which a script loads from dist/ are in src/. A path may begin at dist/ or below it, because scripts
 * add the rest. A path that is put together cannot be checked, so it is reported.
 */
function checkLoads(file, text) {
  for (const match of text.matchAll(modulePath)) {
    const path = match[1].replace(/^.*\bdist\//, '');
    const line = text.slice(0, match.index).split('\n').length;
    if (path.includes('${')) report(file, line, `${path} is put together: write it in full with its .js`);
    else if (!sources.some((source) => source.endsWith(`/${path.replace(/\.js$/, '.ts')}`)))
      report(file, line, `${path} has no source in src/`);
  }
}

function checkSource(file, text) {
  const lines = text.split('\n');
  if (lines.length > fileLinesMax + 1 && !tableFiles.some((pattern) => pattern.test(file)))
    report(file, 1, `${lines.length} lines, at most ${fileLinesMax} are allowed`);
  if (file.startsWith('src/')) {
    if (!/^(#!.*\n)?(import[^;]*;\s*)*\s*(\/\*\*|\/\/)/.test(text))
      report(file, 1, 'no header comment that says what this file is');
    checkBans(file, lines);
  } else if (builtImport.test(text))
    report(file, 1, 'imports from dist/, which a fresh clone does not have: call ready(), then import() it');
  if (file.startsWith('scripts/') && !file.startsWith('scripts/check/')) checkLoads(file, text);
  checkFunctions(file, text);
  checkWidth(file, lines);
}

/** Files whose names begin with the key of an API. A README names them together, by their pattern. */
const numberedFile = /^\d\d-/;

/** Returns the folder and all folders above it. */
function andAbove(folder) {
  const parts = folder.split('/');
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

/**
 * Checks that a folder has a README, and that it names each file of the folder. A file may be named by its path from the
 * repository, from the folder or from a folder above it, or by the last parts of its path.
 */
function checkReadme(folder) {
  const readme = join(root, folder, 'README.md');
  if (!existsSync(readme)) return report(folder, 1, 'no README.md');
  const text = readFileSync(readme, 'utf8');
  const count = text.split('\n').length;
  if (count > readmeLinesMax + 1)
    report(`${folder}/README.md`, 1, `${count} lines, at most ${readmeLinesMax} are allowed`);
  const below = [...filesUnder(join(root, folder))].map((path) => path.replaceAll('\\', '/'));
  for (const [, mentioned] of text.matchAll(/`((?:\.\.\/)*[a-z0-9-]+(?:\/[a-z0-9-]+)*\.ts)`/g)) {
    const found =
      below.some((path) => path.endsWith(`/${mentioned}`)) ||
      ['', ...andAbove(folder)].some((base) => existsSync(join(root, base, mentioned)));
    if (!found) report(`${folder}/README.md`, 1, `names ${mentioned}, which is not there`);
  }
  for (const name of readdirSync(join(root, folder))) {
    const wanted = numberedFile.test(name) ? 'NN-name.ts' : name;
    if (name.endsWith('.ts') && !text.includes(`\`${wanted}\``))
      report(`${folder}/README.md`, 1, `does not name ${name}`);
  }
}

function checkReadmes(folder) {
  for (const name of existsSync(join(root, folder)) ? readdirSync(join(root, folder)).sort() : []) {
    const below = `${folder}/${name}`;
    if (!statSync(join(root, below)).isDirectory()) continue;
    checkReadme(below);
    checkReadmes(below);
  }
}

const sources = [...filesUnder(join(root, 'src'))].map((path) => path.replaceAll('\\', '/'));
for (const top of ['src', 'test', 'scripts']) {
  for (const path of filesUnder(join(root, top))) {
    const file = relative(root, path).replaceAll('\\', '/');
    if (/\.(ts|mjs|cjs)$/.test(file) && !file.includes('/fixtures/'))
      checkSource(file, readFileSync(path, 'utf8'));
  }
}
checkReadmes('src');
const projectFiles = ['src', 'test']
  .flatMap((top) => [...filesUnder(join(root, top))])
  .map((path) => relative(root, path).replaceAll('\\', '/'));
if (existsSync(join(root, 'docs/limits.md'))) checkLimits(root, projectFiles, report);

const decisions = join(root, 'docs/decisions');
const numbers = new Map();
for (const name of existsSync(decisions) ? readdirSync(decisions).sort() : []) {
  const [number] = name.split('-');
  if (numbers.has(number)) report(`docs/decisions/${name}`, 1, `has the number of ${numbers.get(number)}`);
  numbers.set(number, name);
}

for (const violation of violations) console.error(violation);
if (violations.length > 0) process.exit(1);
