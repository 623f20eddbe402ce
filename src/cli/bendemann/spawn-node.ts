/** A node in a process of its own, started by our launcher. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { packageFile } from './package-file.ts';

/** Its output is piped. It has its own process group, so that Ctrl-C reaches it only once, through the process that started it. */
export function spawnNode(propertiesFile: string) {
  const launcher = join(dirname(packageFile()), 'bin', 'kafka-server-start');
  return spawn(process.execPath, [launcher, propertiesFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
}
