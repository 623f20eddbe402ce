/** Runs test files in a copy of the tree, and returns which tests failed. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Short, because a mutant may make a test wait for ever. */
const testTimeoutMs = 30_000;

/**
 * `name`: runs only tests whose full name contains it. Resolves to {passed, failed: [{name, message}], seconds}. Rejects when a
 * file could not be loaded, or when no test ran.
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
      const tests = testResults.flatMap((file) => file.assertionResults);
      const failed = tests.filter(({ status }) => status === 'failed');
      const passed = tests.filter(({ status }) => status === 'passed').length;
      if (failed.length === 0 && (passed === 0 || testResults.some(({ status }) => status === 'failed'))) {
        const why = testResults.map(({ message }) => message).filter(Boolean);
        reject(
          new Error(`nothing ran of ${files.join(', ')}${name === null ? '' : ` '${name}'`}: ${why} ${log}`),
        );
        return;
      }
      resolve({
        passed,
        failed: failed.map(({ fullName, failureMessages }) => ({
          name: fullName,
          message: failureMessages[0] ?? '',
        })),
        seconds: (performance.now() - startedMs) / 1000,
      });
    });
  });
}
