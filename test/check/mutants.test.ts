import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** The table of mutants (scripts/mutants/) follows the source: each patch still finds its text, once, and parses. */
test('every mutant still applies to the code', () => {
  const args = ['scripts/mutants/run.mjs', '--check'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^(\d+) of \1 mutants apply\n$/);
  expect(status).toBe(0);
});
