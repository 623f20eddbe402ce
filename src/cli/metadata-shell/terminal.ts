/** The prompt of the shell. It reads lines from standard input, with editing and completion when that is a terminal. */
import { createInterface } from 'node:readline';
import type { CliIo } from '../tool.ts';
import { commandNames, runCommand, type Shell } from './commands.ts';
import { componentsOf, matches, sortedNames } from './glob.ts';

const prompt = '>> ';

/** Splits a line into words. Quotes keep words together; a backslash takes the next character as it is. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    if (char === '\\' && at + 1 < line.length) word = (word ?? '') + line[++at];
    else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  return word === null ? words : [...words, word];
}

/** Returns the completions of the last word of a line, which the Tab key offers. */
export function completions(shell: Shell, line: string): [string[], string] {
  const words = line.split(/\s+/);
  const last = words.at(-1) ?? '';
  if (words.length <= 1) return [commandNames.filter((name) => name.startsWith(last)), last];
  const slash = last.lastIndexOf('/') + 1;
  const [start, prefix] = [last.slice(0, slash), last.slice(slash)];
  const folder = componentsOf(start === '' ? '.' : start, shell.workingDirectory);
  const [found] = matches(shell.root, folder);
  if (found === undefined || found.node.kind === 'file') return [[], last];
  const { node } = found;
  const names = sortedNames(node).filter((name) => name.startsWith(prefix));
  return [names.map((name) => `${start}${name}${node.child(name)?.kind === 'directory' ? '/' : ''}`), last];
}

type Prompted = Omit<Shell, 'history'> & { readonly history: string[] };

/** Reads and runs lines until `exit` or the end of the input. */
export async function runPrompt(shell: Prompted, io: CliIo): Promise<void> {
  io.stdout('[ Kafka Metadata Shell ]\n');
  if (io.isStdinTerminal) return runTerminal(shell);
  io.stdout(prompt);
  for await (const line of io.stdinLines()) {
    runLine(shell, line);
    if (shell.hasEnded) return;
    io.stdout(prompt);
  }
}

function runLine(shell: Prompted, line: string): void {
  // As in most shells, a line is not stored when it begins with a blank or repeats the line before it.
  if (/^\S/.test(line) && line !== shell.history.at(-1)) shell.history.push(line);
  runCommand(shell, splitWords(line));
}

async function runTerminal(shell: Prompted): Promise<void> {
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt,
    completer: (line: string) => completions(shell, line),
  });
  terminal.on('SIGINT', () => {
    shell.println('^C');
    terminal.prompt();
  });
  terminal.prompt();
  for await (const line of terminal) {
    runLine(shell, line);
    if (shell.hasEnded) break;
    terminal.prompt();
  }
  terminal.close();
}
