/**
 * `bendemann start FILE…`: runs one node for each properties file. Several nodes run in a process each, and their output lines
 * begin with the name of the file.
 */
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import type { CliIo } from '../tool.ts';
import { spawnNode } from './spawn-node.ts';

export async function start(files: readonly string[], io: CliIo): Promise<number> {
  if (files.length === 1) {
    const { main } = await import('../node/kafka-server-start.ts');
    return main(files, io);
  }
  const nodes = files.map((file) => {
    const child = spawnNode(file);
    for (const [stream, write] of [
      [child.stdout, io.stdout],
      [child.stderr, io.stderr],
    ] as const)
      createInterface({ input: stream }).on('line', (line) => write(`${basename(file)}  ${line}\n`));
    return { file, child };
  });
  const stop = io.onSignal((signal) => {
    for (const { child } of nodes) child.kill(signal);
  });
  const ends = nodes.map(
    ({ file, child }) =>
      new Promise<number>((resolve) => {
        child.on('exit', (code, signal) => {
          io.stderr(`${basename(file)}  ended with ${signal ?? `status ${code}`}\n`);
          resolve(code ?? 1);
        });
      }),
  );
  const statuses = await Promise.all(ends);
  stop();
  return Math.max(...statuses);
}
