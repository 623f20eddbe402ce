/** A node in a process of its own, started by our launcher. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { packageFile } from './package-file.ts';

/** Its output comes through pipes. It has a process group of its own: Ctrl-C reaches it once, through the process that started it. */
export function spawnNode(propertiesFile: string) {
  const launcher = join(dirname(packageFile()), 'bin', 'kafka-server-start');
  return spawn(process.execPath, [launcher, propertiesFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
}
