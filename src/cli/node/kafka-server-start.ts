/**
 * kafka-server-start: runs a node from a properties file until it is stopped. With -daemon it starts a second process in the
 * background and then exits; the output of that process goes to kafkaServer.out in $LOG_DIR, or else in `logs/`.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { loggingOf } from './logging.ts';
import { installationRoot } from './properties-path.ts';
import { withNodeProperties } from './node-properties.ts';
import { parseStart, readStartProperties } from './start-arguments.ts';
import type { CliIo } from '../tool.ts';
import { kafkaVersion } from '../version.ts';

function startDaemon(args: readonly string[], io: CliIo): number {
  const directory = io.env.LOG_DIR ?? join(installationRoot, 'logs');
  mkdirSync(directory, { recursive: true });
  const out = openSync(join(directory, 'kafkaServer.out'), 'a');
  const child = spawn(process.execPath, [join(installationRoot, 'bin', 'kafka-server-start'), ...args], {
    detached: true,
    stdio: ['ignore', out, out],
  });
  child.unref();
  return 0;
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  if (args.includes('--version')) {
    io.stdout(`${kafkaVersion}\n`);
    return 0;
  }
  const command = parseStart(args);
  if (command.isDaemon) {
    // Report a missing or unreadable file here, where the user sees it, and not only in the output of the background process.
    readStartProperties(command);
    return startDaemon(
      args.filter((word) => word !== '-daemon'),
      io,
    );
  }
  const { runServer } = await import('../../server/main.ts');
  const logging = await loggingOf(io.env);
  return withNodeProperties(command.file, command.overrides, io.env, (properties) =>
    runServer(properties, io, logging),
  );
}
