/** Starts a node in a process of its own, as `bin/kafka-server-start` does. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { packageFile } from './package-file.ts';

/**
 * Starts a node with piped output. The node gets a process group of its own: otherwise Ctrl-C would reach it twice, from the
 * terminal and from the process that started it.
 */
export function spawnNode(propertiesFile: string) {
  const launcher = join(dirname(packageFile()), 'bin', 'kafka-server-start');
  return spawn(process.execPath, [launcher, propertiesFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
}
