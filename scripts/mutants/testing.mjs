/** Runs test files in a copy of the tree, and returns which tests failed. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Short, because a mutant may make a test wait for ever. */
const testTimeoutMs = 30_000;

/**
 * `name`: runs only tests whose full name contains it. Resolves to {passed, failed: [{file, name, message}], broken: [{file,
 * message}], seconds}. In a broken file no test failed, but the file could not be loaded, or one of its hooks failed. Rejects
 * when no test ran and nothing says why.
 */
export function runTests(tree, files, name) {
  const output = join(tree, 'vitest-result.json');
  rmSync(output, { force: true });
  const args = [
    join(tree, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--config',
    'scripts/check/vitest.config.mjs',
  ];
  args.push('--reporter=json', `--outputFile=${output}`, `--testTimeout=${testTimeoutMs}`, '--maxWorkers=1');
  if (name !== null) args.push('-t', name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const run = spawn(process.execPath, [...args, ...files], {
      cwd: tree,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    for (const stream of [run.stdout, run.stderr])
      stream.on('data', (data) => {
        log = (log + data).slice(-4000);
      });
    run.on('close', () => {
      if (!existsSync(output)) {
        reject(new Error(`no result of ${files.join(', ')}: ${log}`));
        return;
      }
      const { testResults } = JSON.parse(readFileSync(output, 'utf8'));
      const result = { ...sorted(tree, testResults), seconds: (performance.now() - startedMs) / 1000 };
      if (result.passed + result.failed.length + result.broken.length === 0)
        reject(new Error(`no test ran of ${files.join(', ')}${name === null ? '' : ` '${name}'`}: ${log}`));
      else resolve(result);
    });
  });
}

/** Sorts the results of files by what happened. */
function sorted(tree, testResults) {
  const result = { passed: 0, failed: [], broken: [] };
  for (const { name: path, status, message, assertionResults } of testResults) {
    const file = relative(realpathSync(tree), path).replaceAll(sep, '/');
    const failed = assertionResults.filter((test) => test.status === 'failed');
    result.passed += assertionResults.filter((test) => test.status === 'passed').length;
    for (const { fullName, failureMessages } of failed)
      result.failed.push({ file, name: fullName, message: failureMessages[0] ?? '' });
    if (status === 'failed' && failed.length === 0) result.broken.push({ file, message });
  }
  return result;
}
