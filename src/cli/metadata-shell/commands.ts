/**
 * The commands of the shell as a table: the name, arguments and action of each. A wrong command line prints a message as
 * argparse4j does and has no other effect.
 */
import { wrap } from '../arguments/argparse.ts';
import { listing } from './listing.ts';
import { componentsOf, type Match, matches, sortedNames } from './glob.ts';
import type { ShellNode } from './nodes.ts';

export interface Shell {
  readonly root: ShellNode;
  workingDirectory: string;
  /** The lines that the user has entered, including the present one; null when the shell is not interactive. */
  readonly history: readonly string[] | null;
  /** The width of the terminal in characters; null when names are printed one per line. */
  readonly width: number | null;
  println(line: string): void;
  /** Whether the command `exit` was given. */
  hasEnded: boolean;
}

interface Command {
  readonly description: string;
  /** Whether the command works only in an interactive shell. */
  readonly isShellOnly: boolean;
  readonly argument: {
    readonly name: string;
    readonly count: 'one' | 'optional' | 'any' | 'some';
    readonly help: string;
  } | null;
  run(shell: Shell, words: readonly string[]): void;
}

const table: Readonly<Record<string, Command>> = {
  cat: {
    description: 'Show the contents of metadata files.',
    isShellOnly: false,
    argument: { name: 'targets', count: 'some', help: 'The metadata files to display.' },
    run: (shell, targets) => {
      for (const target of targets) {
        each(shell, target, `cat: ${target}: No such file or directory.`, ({ node }) =>
          shell.println(node.kind === 'file' ? node.text : `cat: ${target}: Is a directory`),
        );
      }
    },
  },
  cd: {
    description: 'Set the current working directory.',
    isShellOnly: true,
    argument: { name: 'target', count: 'optional', help: 'The directory to change to.' },
    run: (shell, [target = '/']) =>
      each(shell, target, `cd: ${target}: no such directory.`, ({ node, path }) => {
        if (node.kind === 'file') shell.println(`cd: ${target}: not a directory.`);
        else shell.workingDirectory = `/${path.join('/')}`;
      }),
  },
  exit: {
    description: 'Exit the metadata shell.',
    isShellOnly: true,
    argument: null,
    run: (shell) => {
      shell.hasEnded = true;
    },
  },
  find: {
    description: 'Search for nodes in the directory hierarchy.',
    isShellOnly: false,
    argument: { name: 'paths', count: 'any', help: 'The paths to start at.' },
    run: (shell, paths) => {
      for (const path of orHere(paths)) {
        each(shell, path, `find: ${path}: no such file or directory.`, ({ node }) => find(shell, path, node));
      }
    },
  },
  help: {
    description: 'Display this help message.',
    isShellOnly: true,
    argument: null,
    run: (shell) => shell.println(`Welcome to the Apache Kafka metadata shell.\n\n${helpText()}`),
  },
  history: {
    description: 'Print command history.',
    isShellOnly: true,
    argument: { name: 'numEntriesToShow', count: 'optional', help: 'The number of entries to show.' },
    run: (shell, [count]) => {
      const all = shell.history ?? [];
      const from = count === undefined ? 0 : Math.max(0, all.length - Math.max(0, Number(count)));
      for (let at = from; at < all.length; at++) shell.println(`${String(at).padStart(5)}  ${all[at]}`);
    },
  },
  ls: {
    description: 'List metadata nodes.',
    isShellOnly: false,
    argument: { name: 'targets', count: 'any', help: 'The metadata node paths to list.' },
    run: list,
  },
  man: {
    description: 'Show the help text for a specific command.',
    isShellOnly: true,
    argument: { name: 'cmd', count: 'one', help: 'The command to get help text for.' },
    run: (shell, [name = '']) => {
      const command = commandOf(name);
      shell.println(
        command === null
          ? `man: unknown command ${name}. Type help to get a list of commands.`
          : `${name}: ${command.description}\n\nusage: ${[name, ...usageOf(command)].join(' ')}${argumentText(command)}`,
      );
    },
  },
  pwd: {
    description: 'Print the current working directory.',
    isShellOnly: true,
    argument: null,
    run: (shell) => shell.println(shell.workingDirectory),
  },
  tree: {
    description: 'Show the contents of metadata nodes in a tree structure.',
    isShellOnly: false,
    argument: { name: 'targets', count: 'some', help: 'The metadata nodes to display.' },
    run: (shell, targets) => {
      for (const target of targets) {
        each(shell, target, `tree: ${target}: No such file or directory.`, ({ node }) =>
          tree(shell, node, ''),
        );
      }
    },
  },
};

export const commandNames: readonly string[] = Object.keys(table);

function commandOf(name: string): Command | null {
  return Object.hasOwn(table, name) ? (table[name] as Command) : null;
}

function orHere(paths: readonly string[]): readonly string[] {
  const given = paths.filter((path) => path !== '');
  return given.length === 0 ? ['.'] : given;
}

function each(shell: Shell, path: string, nothing: string, take: (match: Match) => void): void {
  let isFound = false;
  for (const match of matches(shell.root, componentsOf(path, shell.workingDirectory))) {
    isFound = true;
    take(match);
  }
  if (!isFound) shell.println(nothing);
}

function find(shell: Shell, path: string, node: ShellNode): void {
  shell.println(path);
  if (node.kind === 'file') return;
  for (const name of sortedNames(node)) {
    find(shell, path === '/' ? `/${name}` : `${path}/${name}`, node.child(name) as ShellNode);
  }
}

function tree(shell: Shell, node: ShellNode, indent: string): void {
  if (node.kind === 'file') {
    for (const line of node.text.split('\n')) shell.println(indent + line);
    return;
  }
  for (const name of sortedNames(node)) {
    shell.println(`${indent}${name}:`);
    tree(shell, node.child(name) as ShellNode, `${indent}  `);
  }
}

function list(shell: Shell, targets: readonly string[]): void {
  const files: string[] = [];
  const directories: { name: string; children: string[] }[] = [];
  for (const target of orHere(targets)) {
    each(shell, target, `ls: ${target}: no such file or directory.`, ({ node, path }) => {
      const name = path.at(-1) ?? '/';
      if (node.kind === 'file') files.push(name);
      else directories.push({ name, children: sortedNames(node) });
    });
  }
  for (const line of listing(files, directories, shell.width)) shell.println(line);
}

function usageOf({ argument }: Command): string[] {
  if (argument === null) return [];
  const { name, count } = argument;
  const texts = {
    one: name,
    optional: `[${name}]`,
    any: `[${name} [${name} ...]]`,
    some: `${name} [${name} ...]`,
  };
  return [texts[count]];
}

const helpColumn = 25;

function helpRow(title: string, help: string): string {
  return `${`  ${title}`.padEnd(helpColumn)}${wrap(help, helpColumn, ' '.repeat(helpColumn))}`;
}

function argumentText({ argument }: Command): string {
  return argument === null ? '' : `\n\npositional arguments:\n${helpRow(argument.name, argument.help)}`;
}

/** Returns the help of all commands, as argparse4j prints it for a program that has no name. */
function helpText(): string {
  const all = `{${commandNames.join(',')}}`;
  const rows = Object.entries(table).map(([name, { description }]) => helpRow(`  ${name}`, description));
  return [`usage:  ${all} ...`, '', 'positional arguments:', `  ${all}`, ...rows].join('\n');
}

function commandHelp(name: string, command: Command): string {
  const usage = `usage:  ${[name, '[-h]', ...usageOf(command)].join(' ')}`;
  return `${usage}${argumentText(command)}\n\noptional arguments:\n${helpRow('-h, --help', 'show this help message and exit')}`;
}

/** Runs one command line. */
export function runCommand(shell: Shell, line: readonly string[]): void {
  const words = line.slice(0, line.findLastIndex((word) => word !== '') + 1);
  const [first] = words;
  if (first === undefined) return;
  const known = commandNames.filter((name) => shell.history !== null || table[name]?.isShellOnly === false);
  const candidates = known.filter((name) => name === first || name.startsWith(first));
  const exact = known.includes(first) ? first : candidates[0];
  if (exact === undefined) {
    return shell.println(
      `invalid choice: '${first}' (choose from ${known.map((one) => `'${one}'`).join(', ')})`,
    );
  }
  if (exact !== first && candidates.length > 1)
    return shell.println(`ambiguous command: ${first} could match ${candidates.join(', ')}`);
  const command = commandOf(exact) as Command;
  const rest = words.slice(1);
  if (rest.includes('-h') || rest.includes('--help')) return shell.println(commandHelp(exact, command));
  const problem = problemOf(command, rest);
  if (problem !== null) return shell.println(problem);
  if (exact !== first) return shell.println(`invalid choice: '${first}': did you mean '${exact}'?`);
  command.run(shell, rest);
}

/** Returns what is wrong with the arguments of a command; null when nothing is wrong. */
function problemOf({ argument }: Command, words: readonly string[]): string | null {
  const option = words.find((word) => /^-[^\d]/.test(word));
  if (option !== undefined) return `unrecognized arguments: '${option}'`;
  const count = argument?.count ?? 'none';
  const most = {
    none: 0,
    one: 1,
    optional: 1,
    any: Number.POSITIVE_INFINITY,
    some: Number.POSITIVE_INFINITY,
  }[count];
  if (words.length === 0 && (count === 'one' || count === 'some')) return 'too few arguments';
  if (words.length > most) return `unrecognized arguments: '${words.slice(most).join(' ')}'`;
  const [first] = words;
  if (argument?.name === 'numEntriesToShow' && first !== undefined && !/^[-+]?\d+$/.test(first))
    return `argument numEntriesToShow: could not convert '${first}' to Integer (For input string: "${first}")`;
  return null;
}
