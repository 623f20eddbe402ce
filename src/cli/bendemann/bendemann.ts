/**
 * The command `bendemann` and its subcommands. Each subcommand loads its modules only when it is used. `bendemann kafka topics
 * …` runs Kafka's tool with the remaining arguments as they are, because Kafka's tools parse them in their own way and have
 * their own messages.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { CliIo } from '../tool.ts';
import { packageFile } from './package-file.ts';

const defaultBootstrap = 'localhost:9092';

function versionText(): string {
  const { version } = JSON.parse(readFileSync(packageFile(), 'utf8')) as { version: string };
  return `bendemann ${version}`;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function gather(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

type Run = (status: Promise<number>) => Promise<void>;

/** `command` are the words after `--`, which `compose` runs as a command. */
function addClusters(program: Command, command: readonly string[], io: CliIo, run: Run): void {
  program
    .command('dev')
    .description('Format and run a cluster on this machine, and print what clients do.')
    .option('--nodes <count>', 'number of nodes; each is broker and controller', wholeNumber, 1)
    .option('--port <port>', 'port of the first node; the other nodes get the next ports', wholeNumber, 9092)
    .option('--host <address>', 'address that clients connect to', '127.0.0.1')
    .option('--data <directory>', 'directory that keeps the data')
    .option('--memory', 'keep the data in memory only (the default)')
    .option('--topic <name[:partitions]>', 'create a topic; may be repeated', gather, [])
    .option('--property <key=value>', 'any key of server.properties; may be repeated', gather, [])
    .option('--control [host:port]', 'serve faults, nodes, clock and snapshots as JSON over HTTP')
    .option('--token <text>', 'token that each request to the control port must have')
    .option('--clock <kind>', "'manual': the clock advances only through the control port", 'real')
    .action((options) => run(import('./dev.ts').then(({ dev }) => dev(options, io))));
  program
    .command('start')
    .description('Run nodes from stock server.properties files, one node a file, until Ctrl-C.')
    .argument('<files...>')
    .action((files) => run(import('./start.ts').then(({ start }) => start(files, io))));
  program
    .command('compose')
    .description(
      'Start the Kafka services of a Compose file without Docker, while COMMAND runs or until Ctrl-C.',
    )
    .argument('[file]', 'by default compose.yaml, docker-compose.yml or the like')
    .argument('[services...]', 'by default all its Kafka services')
    .usage('[file] [services...] [-- COMMAND...]')
    .action((file, services) =>
      run(
        import('./compose.ts').then(({ compose }) =>
          compose(file === undefined ? [] : [file, ...services], command, io),
        ),
      ),
    );
  program
    .command('doctor')
    .description('Find mistakes in properties files and in the directories that they name.')
    .argument('<files...>')
    .action((files) => run(import('./doctor.ts').then(({ doctor }) => doctor(files, io))));
}

function addRecords(program: Command, io: CliIo, run: Run): void {
  program
    .command('tail')
    .description('Print the records of a topic as they arrive.')
    .argument('<topic>')
    .option('-b, --bootstrap <addresses>', 'addresses of brokers', defaultBootstrap)
    .option('--from-beginning', 'begin with the oldest record')
    .option('-n, --count <count>', 'end after so many records', wholeNumber)
    .option('--json', 'one JSON object a line')
    .action((topic, options) => run(import('./tail.ts').then(({ tail }) => tail(topic, options, io))));
  program
    .command('produce')
    .description('Write records: the given values, or each line of standard input.')
    .argument('<topic>')
    .argument('[values...]')
    .option('-b, --bootstrap <addresses>', 'addresses of brokers', defaultBootstrap)
    .option('-k, --key <key>', 'key of all records')
    .option('--key-separator <text>', 'separates the key from the value in each line')
    .action((topic, values, options) =>
      run(import('./produce.ts').then(({ produce }) => produce(topic, values, options, io))),
    );
}

function addTools(program: Command, io: CliIo, run: Run): void {
  program
    .command('kafka')
    .description("Run one of Kafka's tools: bendemann kafka topics --list …")
    .argument('[tool]', 'its name, with or without kafka-')
    .argument('[words...]')
    .passThroughOptions()
    .allowUnknownOption()
    .helpOption(false)
    .action((tool, words) => run(import('./kafka.ts').then(({ kafka }) => kafka(tool, words, io))));
  program
    .command('completion')
    .description('Print the completion of a shell: source <(bendemann completion bash)')
    .argument('<shell>', 'bash or zsh')
    .action((shell) =>
      run(import('./completion.ts').then(({ completion }) => completion(shell, program, io))),
    );
}

/** Makes the whole command line. A subcommand passes its exit status to `run`. */
export function makeProgram(io: CliIo, run: Run, command: readonly string[] = []): Command {
  const program = new Command('bendemann');
  program
    .description('A Kafka-compatible broker for Node.js.')
    .version(versionText(), '-V, --version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout(text), writeErr: (text) => io.stderr(text) })
    .showHelpAfterError('(bendemann --help lists the commands)')
    .addHelpText(
      'after',
      '\nExamples:\n  bendemann dev --nodes 3 --topic orders:3\n  bendemann kafka topics --list --bootstrap-server localhost:9092',
    );
  addClusters(program, command, io, run);
  addRecords(program, io, run);
  addTools(program, io, run);
  return program;
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  let status = 0;
  const run: Run = async (ended) => {
    status = await ended;
  };
  // The words after `--` are a command of the user. They must not reach commander, which would parse them as options of
  // `bendemann`.
  const at = args[0] === 'compose' ? args.indexOf('--') : -1;
  const own = at < 0 ? args : args.slice(0, at);
  const program = makeProgram(io, run, at < 0 ? [] : args.slice(at + 1));
  try {
    if (args.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync(own, { from: 'user' });
    return status;
  } catch (error) {
    // The message was printed by commander before it threw this error.
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
}
