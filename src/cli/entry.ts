/**
 * The entry of all launchers in `bin/`. It passes the streams, environment and signals of the process to the tool, runs it, and
 * exits with its status. A `ToolError` or `ConfigError` is printed without a stack, and any other error with its stack.
 */
import { existsSync, writeSync } from 'node:fs';
import { ConfigError } from '../config/define.ts';
import { HelpRequest } from './arguments/argparse.ts';
import { adviceOnOldOption } from './arguments/old-options.ts';
import { hintLine } from './hint.ts';
import { type CliIo, ToolError, type ToolMain } from './tool.ts';
import { tools } from './tools.ts';

/** Writes all of `text` to a file descriptor. When a pipe is full, it waits until the reader has made room. */
function writeAll(descriptor: 1 | 2, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The reader has closed the pipe, as `| head` does: end without a message, as shell tools do.
      if (code === 'EPIPE') process.exit(0);
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

async function* stdinLines(): AsyncGenerator<string> {
  let rest = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}

/** Returns the streams, environment and signals of this process. */
export function processIo(): CliIo {
  return {
    stdout: (text) => writeAll(1, text),
    stderr: (text) => writeAll(2, text),
    stdinLines,
    isStdinTerminal: process.stdin.isTTY === true,
    env: process.env,
    onSignal(handler) {
      const onInterrupt = (): void => handler('SIGINT');
      const onTerminate = (): void => handler('SIGTERM');
      process.on('SIGINT', onInterrupt);
      process.on('SIGTERM', onTerminate);
      // On Windows, SIGBREAK comes from Ctrl+Break, and SIGHUP when the console window is closed; Windows then ends the process
      // within seconds.
      if (process.platform === 'win32') {
        process.on('SIGBREAK', onInterrupt);
        process.on('SIGHUP', onTerminate);
      }
      return () => {
        process.off('SIGINT', onInterrupt);
        process.off('SIGTERM', onTerminate);
        process.off('SIGBREAK', onInterrupt);
        process.off('SIGHUP', onTerminate);
      };
    },
  };
}

/** Runs `main` of the tool `name`. Prints its error if it throws one, and returns the exit status. */
export async function runMain(
  main: ToolMain,
  args: readonly string[],
  io: CliIo,
  name = 'kafka-tools',
): Promise<number> {
  try {
    return await main(args, io);
  } catch (error) {
    if (error instanceof HelpRequest) {
      io.stdout(error.message);
      return 0;
    }
    if (error instanceof ToolError) {
      const text = error.message.endsWith('\n') ? error.message : `${error.message}\n`;
      if (error.message !== '') io[error.stream](text);
      const advice = adviceOnOldOption(error.message);
      if (advice !== null) io.stderr(hintLine(name, advice));
      return error.status;
    }
    io.stderr(
      error instanceof ConfigError ? `${error.message}\n` : `${(error as Error)?.stack ?? String(error)}\n`,
    );
    return 1;
  }
}

/** Loads the module of the tool `name`. */
export async function loadTool(name: string): Promise<ToolMain> {
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) throw new ToolError(`${name} is not a tool of this package`);
  const module = new URL(`./${tool.module}.js`, import.meta.url);
  if (!existsSync(module)) throw new ToolError(`${name} is not part of this version yet.`);
  const { main } = (await import(module.href)) as { main: ToolMain };
  return main;
}

/** Runs a tool and then exits. The launchers call it. */
export async function runTool(name: string, args: readonly string[]): Promise<void> {
  const io = processIo();
  // This timer keeps the process alive while a tool only waits. The timers of our scheduler do not.
  setInterval(() => {}, 2 ** 30);
  process.exit(await runMain(async (words, world) => (await loadTool(name))(words, world), args, io, name));
}
