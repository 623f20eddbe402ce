/**
 * Prepares a fresh clone for the commands of the README: it installs dependencies and builds dist/. Both are done only when
 * they are missing or older than their sources.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const nodeMinimum = [20, 19];

function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error(`'${command} ${args.join(' ')}' failed`);
    process.exit(1);
  }
}

function modifiedMs(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newestMs(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestMs(path) : statSync(path).mtimeMs);
  }
  return newest;
}

/** Installs if needed. Builds if needed, unless `build` is false. Ends the process with a message when that fails. */
export function ready({ build = true } = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < nodeMinimum[0] || (major === nodeMinimum[0] && minor < nodeMinimum[1])) {
    console.error(
      `Bendemann needs Node.js ${nodeMinimum.join('.')} or newer; this is ${process.versions.node}.`,
    );
    process.exit(1);
  }
  const installed = modifiedMs(join(root, 'node_modules', '.package-lock.json'));
  // When node_modules is a symbolic link, somebody has made it on purpose in a copy of the tree. Installing would empty the
  // folder that it points to.
  const linked = lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  if (!linked && installed < modifiedMs(join(root, 'package-lock.json'))) {
    console.log('Installing dependencies (once) …');
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  }
  if (!build) return;
  const built = modifiedMs(join(root, 'dist', '.tsbuildinfo'));
  if (built < Math.max(newestMs(join(root, 'src')), modifiedMs(join(root, 'tsconfig.build.json')))) {
    console.log('Building dist/ …');
    run('npm', ['run', '--silent', 'build']);
  }
}
