/**
 * `npm test`: installs and builds when needed, then runs the test suite.
 *
 * usage: node scripts/test.mjs [vitest arguments]
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ready, root } from './lib/ready.mjs';

ready();
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const args = [vitest, 'run', '--config', 'scripts/check/vitest.config.mjs', ...process.argv.slice(2)];
process.exit(spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1);
