/**
 * kafka-metadata-shell: shows the metadata of a log or a snapshot as a tree of directories and files. It reads Kafka's segments
 * and snapshots, and ours. Unlike Kafka's tool it also reads a metadata directory, even that of a running node.
 */
import { type FlatParser, HelpRequest, parseFlat } from '../arguments/argparse.ts';
import type { CliIo } from '../tool.ts';
import { runCommand } from './commands.ts';
import { loadImage } from './load-image.ts';
import { rootNode } from './nodes.ts';
import { runPrompt } from './terminal.ts';

const parser: FlatParser = {
  prog: 'kafka-metadata-shell',
  description: 'The Apache Kafka metadata shell',
  arguments: [{ flags: ['--snapshot', '-s'], isRequired: true, help: 'The metadata snapshot file to read.' }],
  words: { name: 'command', help: 'The command to run.' },
};

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  try {
    return await run(args, io);
  } catch (error) {
    if (!(error instanceof HelpRequest)) throw error;
    io.stdout(error.message);
    return 1;
  }
}

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const parsed = parseFlat(parser, args);
  const command = parsed.all('command');
  const isInteractive = command.length === 0;
  const root = rootNode(await loadImage(parsed.text('snapshot') as string));
  const world = {
    root,
    workingDirectory: '/',
    hasEnded: false,
    width: isInteractive && io.isStdinTerminal ? (process.stdout.columns ?? null) : null,
    println: (line: string) => io.stdout(`${line}\n`),
  };
  if (isInteractive) {
    io.stdout('Loading...\nStarting...\n');
    await runPrompt({ ...world, history: [] }, io);
  } else runCommand({ ...world, history: null }, command);
  return 0;
}
