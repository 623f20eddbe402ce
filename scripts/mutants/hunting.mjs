/**
 * Looks for a violation in a mutant: a child process runs one seed after the other of a bundled world until a seed violates an
 * invariant.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A seed that takes longer than this is considered to run for ever. */
const silenceMs = 90_000;
const child = fileURLToPath(new URL('hunt-child.mjs', import.meta.url));

/**
 * Runs the seeds from `from` to `to`, for at most `seconds`. Resolves to {seeds, seconds, found: {seed, by, message} | null}.
 * Rejects when the world itself could not run.
 */
export function huntSeeds(file, { from, to, seconds }) {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const run = spawn(
      process.execPath,
      ['--max-old-space-size=2048', child, file, String(from), String(to), String(seconds)],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let seed = from - 1;
    let found = null;
    let hung = false;
    let errors = '';
    const watch = setInterval(() => {
      if (performance.now() - heardMs < silenceMs) return;
      hung = true;
      run.kill('SIGKILL');
    }, 1000);
    let heardMs = startedMs;
    createInterface({ input: run.stdout }).on('line', (line) => {
      heardMs = performance.now();
      const report = JSON.parse(line);
      seed = report.seed;
      if (report.by !== undefined) found = report;
    });
    run.stderr.on('data', (data) => {
      errors = (errors + data).slice(-4000);
    });
    run.on('close', (status) => {
      clearInterval(watch);
      if (hung)
        found = { seed: seed + 1, by: 'does not end', message: `no answer for ${silenceMs / 1000} s` };
      else if (status !== 0) {
        reject(new Error(`seed ${seed + 1}: the world failed (${status}): ${errors}`));
        return;
      }
      resolve({ seeds: found?.seed ?? seed, seconds: (performance.now() - startedMs) / 1000, found });
    });
  });
}
