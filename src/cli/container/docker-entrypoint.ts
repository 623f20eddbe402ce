/**
 * The command docker-entrypoint, which is the first process in a container. It translates the environment into properties
 * (`plan.ts`), prints them, formats the directories when they are not formatted, and runs the node in this process. Then it
 * creates the topics that the variables ask for. With `--print` it only prints. Arguments of the form `KEY=VALUE` override
 * variables. Another command in the arguments is run instead of the node.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { loadTool } from '../entry.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { tools } from '../tools.ts';
import { createTopic } from './create-topic.ts';
import { listenersOf, protocolOf } from './listeners.ts';
import { describePlan, planContainer } from './plan.ts';
import { propertiesText } from './properties-text.ts';
import {
  ContainerError,
  type ContainerPlan,
  type Dialect,
  dialects,
  type Environment,
  type PlannedTopic,
} from './types.ts';

const usage = `USAGE: docker-entrypoint [--print] [--root DIR] [--dialect ${dialects.join('|')}] [KEY=VALUE]* | COMMAND [ARGUMENT]*\n`;
const propertiesPath = '/opt/kafka/config/server.properties';
/** The scripts with which the images start their server. As a command they mean: run the node. */
const runScripts = /(^|\/)(docker\/run|start-kafka\.sh|kafka\/run\.sh)$/;

interface Words {
  readonly printsOnly: boolean;
  readonly root: string;
  readonly dialect: Dialect | null;
  readonly variables: Environment;
  /** The command to run instead of the node; empty when there is none. */
  readonly command: readonly string[];
}

function parseWords(args: readonly string[]): Words {
  const rest = [...args];
  const variables: Record<string, string> = {};
  let [printsOnly, root, dialect] = [false, '', null as Dialect | null];
  while (rest.length > 0) {
    const word = rest[0] as string;
    const pair = /^([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)$/.exec(word);
    if (pair !== null) variables[pair[1] as string] = pair[2] as string;
    else if (word === '--print') printsOnly = true;
    else if (word === '--root' && rest.length > 1)
      root = (rest.splice(1, 1)[0] as string).replace(/\/+$/, '');
    else if (word === '--dialect' && rest.length > 1) dialect = dialectNamed(rest.splice(1, 1)[0] as string);
    else if (word.startsWith('-')) throw new ToolError(usage);
    else if (!runScripts.test(word)) break;
    rest.shift();
  }
  return { printsOnly, root, dialect, variables, command: rest };
}

function dialectNamed(name: string): Dialect {
  const found = dialects.find((one) => one === name);
  if (found === undefined) throw new ToolError(`There is no dialect ${name}.\n${usage}`);
  return found;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new ToolError(`${path} can't be read: ${(error as Error).message}`);
  }
}

/**
 * Variables of wurstmeister/kafka whose value is a command. The output of the command becomes the value of the second variable,
 * unless that is set.
 */
const commands: readonly [command: string, variable: string][] = [
  ['HOSTNAME_COMMAND', 'KAFKA_ADVERTISED_HOST_NAME'],
  ['PORT_COMMAND', 'PORT_COMMAND_OUTPUT'],
  ['BROKER_ID_COMMAND', 'KAFKA_BROKER_ID'],
  ['RACK_COMMAND', 'KAFKA_BROKER_RACK'],
];

function withCommands(env: Environment): Environment {
  const all: Record<string, string | undefined> = { ...env };
  for (const [command, variable] of commands) {
    const text = env[command];
    if (text === undefined || (env[variable] ?? '') !== '') continue;
    try {
      all[variable] = execFileSync('/bin/sh', ['-c', text], { encoding: 'utf8' }).trim();
    } catch (error) {
      throw new ToolError(`${command}: ${(error as Error).message}`);
    }
  }
  return all;
}

function plan(words: Words, io: CliIo): ContainerPlan {
  const env = withCommands({ ...io.env, ...words.variables });
  try {
    return planContainer({ env, dialect: words.dialect, root: words.root, readFile: readText });
  } catch (error) {
    if (error instanceof ContainerError) throw new ToolError(error.message);
    throw error;
  }
}

/**
 * Writes the properties to the path where the image has them, because tools in the container read that file. When that path
 * cannot be written, a file in the temporary folder is used. Returns the path.
 */
function writeProperties(words: Words, { properties }: ContainerPlan): string {
  const text = propertiesText([...properties].map(([key, { value }]) => [key, value] as const));
  const wanted = `${words.root}${propertiesPath}`;
  for (const path of [wanted, join(tmpdir(), 'bendemann', 'server.properties')]) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      // Only the owner may read the file, because it may contain passwords.
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EACCES' && code !== 'EROFS' && code !== 'EPERM') throw error;
    }
  }
  throw new ToolError(`Neither ${wanted} nor a file in ${tmpdir()} can be written.`);
}

/**
 * Returns the address of a listener of this broker that needs neither TLS nor SASL, through which the container can create
 * topics; null when there is none.
 */
function ownAddress({ properties }: ContainerPlan): string | null {
  const controllers = (properties.get('controller.listener.names')?.value ?? '').split(',');
  const map = properties.get('listener.security.protocol.map')?.value ?? '';
  for (const { name, host, port } of listenersOf(properties.get('listeners')?.value ?? '')) {
    if (controllers.includes(name) || protocolOf(name, map) !== 'PLAINTEXT') continue;
    return `${host === '' || host === '0.0.0.0' ? 'localhost' : host}:${port}`;
  }
  return null;
}

async function createTopics(
  topics: readonly PlannedTopic[],
  address: string | null,
  io: CliIo,
): Promise<void> {
  if (topics.length === 0) return;
  if (address === null) {
    io.stderr('KAFKA_CREATE_TOPICS: there is no PLAINTEXT listener through which topics could be created.\n');
    return;
  }
  for (const topic of topics) {
    try {
      await createTopic(topic, address, io);
    } catch (error) {
      io.stderr(`KAFKA_CREATE_TOPICS: ${topic.name} was not created: ${(error as Error).message}\n`);
    }
  }
}

async function runNode(words: Words, chosen: ContainerPlan, io: CliIo): Promise<number> {
  const file = writeProperties(words, chosen);
  const storage = await loadTool('kafka-storage');
  const formatted = await storage(
    ['format', '--ignore-formatted', '-t', chosen.clusterId, '-c', file, ...chosen.formatArguments],
    io,
  );
  if (formatted !== 0) return formatted;
  const start = await loadTool('kafka-server-start');
  let isStarted = false;
  const stdout = (output: string | Uint8Array): void => {
    io.stdout(output);
    if (isStarted || typeof output !== 'string' || !output.includes('Kafka Server started')) return;
    isStarted = true;
    void createTopics(chosen.topics, ownAddress(chosen), io);
  };
  return start([file], { ...io, stdout });
}

/**
 * Runs a command. When it is the name of one of our tools, with any folder and with or without .sh, that tool runs in this
 * process.
 */
async function runCommand([word, ...args]: readonly string[], io: CliIo): Promise<number> {
  const name = basename(word as string).replace(/\.sh$/, '');
  if (tools.some((tool) => tool.name === name)) return (await loadTool(name))(args, io);
  const { status, error } = spawnSync(word as string, args, { stdio: 'inherit' });
  if (error !== undefined) throw new ToolError(`${word}: ${error.message}`);
  return status ?? 1;
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const words = parseWords(args);
  if (words.command.length > 0) return runCommand(words.command, io);
  const chosen = plan(words, io);
  io.stdout(describePlan(chosen));
  return words.printsOnly ? 0 : runNode(words, chosen, io);
}
