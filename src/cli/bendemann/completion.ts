/**
 * `bendemann completion SHELL`: prints a completion script for a shell. Subcommands and options in it are read from commander's
 * description of the command line.
 */
import type { Command } from 'commander';
import { type CliIo, ToolError } from '../tool.ts';
import { tools } from '../tools.ts';

interface Words {
  readonly commands: readonly string[];
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly tools: readonly string[];
}

function wordsOf(program: Command): Words {
  const options = program.commands.map((command): [string, string[]] => [
    command.name(),
    command.options.flatMap(({ long }) => long ?? []),
  ]);
  return {
    commands: program.commands.map((command) => command.name()),
    options: new Map(options),
    tools: tools.map(({ name }) => name.replace(/^kafka-/, '')).filter((name) => name !== 'bendemann'),
  };
}

function bash({ commands, options, tools: names }: Words): string {
  const cases = [...options].map(([name, words]) => {
    const first = name === 'kafka' ? names : name === 'completion' ? ['bash', 'zsh'] : [];
    return `    ${name}) words="${[...words, ...first].join(' ')}" ;;`;
  });
  return [
    '_bendemann() {',
    // biome-ignore lint: a variable of the shell, not a template of ours
    '  local word="${COMP_WORDS[COMP_CWORD]}" words=""',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    words="${commands.join(' ')} --help --version"`,
    '  else',
    '    case "${COMP_WORDS[1]}" in',
    ...cases,
    '    esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    '  case "${COMP_WORDS[1]}" in start|doctor) COMPREPLY+=($(compgen -f -- "$word")) ;; esac',
    '}',
    'complete -F _bendemann bendemann',
    '',
  ].join('\n');
}

export async function completion(shell: string, program: Command, io: CliIo): Promise<number> {
  const script = bash(wordsOf(program));
  if (shell === 'bash') io.stdout(script);
  else if (shell === 'zsh') io.stdout(`autoload -U +X bashcompinit && bashcompinit\n${script}`);
  else throw new ToolError(`error: there is a completion for bash and for zsh, none for '${shell}'`);
  return 0;
}
