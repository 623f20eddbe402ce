/**
 * `bendemann compose [FILE] [SERVICE…] [-- COMMAND…]`: runs the Kafka services of a Compose file as nodes on this machine,
 * without Docker, until the command ends or until Ctrl-C. Their data is in a temporary folder, which is deleted when the nodes
 * end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import {
  ComposeFileError,
  type ComposeService,
  environmentLines,
  readComposeFile,
} from '../compose/compose-file.ts';
import { type HostNode, type HostPlan, kafkaDialect, planHost } from '../compose/host-plan.ts';
import { createTopic } from '../container/create-topic.ts';
import { propertiesText } from '../container/properties-text.ts';
import { ContainerError } from '../container/types.ts';
import { loadTool } from '../entry.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { spawnNode } from './spawn-node.ts';

const usualNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
const startMsMax = 60_000;
const lastLinesShown = 20;
/**
 * How many free ports are reserved for each service, because listeners that the Compose file does not publish need a port too.
 */
const portsPerService = 8;

interface Words {
  readonly file: string;
  readonly services: readonly string[];
  readonly command: readonly string[];
}

function parseWords(words: readonly string[], command: readonly string[]): Words {
  const [first, ...rest] = words;
  if (first !== undefined && (/\.ya?ml$/.test(first) || first.includes('/'))) {
    if (!existsSync(first)) throw new ToolError(`error: there is no file ${first}`);
    return { file: first, services: rest, command };
  }
  const file = usualNames.find((name) => existsSync(name));
  if (file === undefined)
    throw new ToolError(
      `error: there is no ${usualNames.join(', ')} here. Name the file: bendemann compose FILE`,
    );
  return { file, services: words, command };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function readServices(file: string, io: CliIo): ComposeService[] {
  const folder = dirname(resolve(file));
  const readFile = (path: string): string | null => readText(isAbsolute(path) ? path : join(folder, path));
  const variables = { ...environmentLines(readFile('.env') ?? ''), ...io.env };
  try {
    return readComposeFile({ text: readFileSync(file, 'utf8'), variables, readFile });
  } catch (error) {
    if (error instanceof ComposeFileError) throw new ToolError(`error: ${file}: ${error.message}`);
    throw error;
  }
}

/** Returns the text of a file in the container when the service mounts it from this machine; null when it does not. */
function readMounted(folder: string, { mounts }: ComposeService, path: string): string | null {
  for (const { source, target } of mounts) {
    if (path !== target && !path.startsWith(`${target}/`)) continue;
    const onHost = source.startsWith('~') ? join(homedir(), source.slice(1)) : resolve(folder, source);
    const text = readText(join(onHost, path.slice(target.length)));
    if (text !== null) return text;
  }
  return null;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

async function planOf(words: Words, folder: string, io: CliIo): Promise<HostPlan> {
  const services = readServices(words.file, io);
  const kafkas = services.filter(({ image }) => kafkaDialect(image) !== null);
  const strangers = words.services.filter((name) => !kafkas.some((service) => service.name === name));
  if (strangers.length > 0)
    throw new ToolError(
      `error: ${words.file} has no Kafka service ${strangers.join(', ')}; it has ${kafkas.map(({ name }) => name).join(', ') || 'none'}`,
    );
  const ports = await freePorts(kafkas.length * portsPerService);
  const besideFile = dirname(resolve(words.file));
  try {
    return planHost({
      services,
      wanted: words.services,
      readMounted: (service, path) => readMounted(besideFile, service, path),
      freePort: () => ports.pop() as number,
      dataDirectory: (service) => join(folder, service),
    });
  } catch (error) {
    if (error instanceof ContainerError) throw new ToolError(`error: ${words.file}: ${error.message}`);
    throw error;
  }
}

/** A node that runs in its own process. */
class NodeProcess {
  readonly name: string;
  readonly started: Promise<void>;
  private readonly child: ReturnType<typeof spawnNode>;
  private readonly lines: string[] = [];
  private readonly ended: Promise<unknown>;

  constructor({ service }: HostNode, file: string, io: CliIo) {
    this.name = service;
    this.child = spawnNode(file);
    this.ended = once(this.child, 'exit');
    this.started = this.start(io);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    await this.ended;
  }

  /** Resolves when the node logs that it has started. While the node runs, its warnings and errors are printed. */
  private start(io: CliIo): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(this.failure(`did not start in ${startMsMax / 1000} s`)),
        startMsMax,
      );
      const take = (line: string): void => {
        this.lines.push(line);
        if (this.lines.length > lastLinesShown) this.lines.shift();
        if (/\b(WARN|ERROR)\b/.test(line)) io.stderr(`${this.name}  ${line}\n`);
        if (!line.includes('Kafka Server started')) return;
        clearTimeout(late);
        resolve();
      };
      for (const stream of [this.child.stdout, this.child.stderr])
        createInterface({ input: stream }).on('line', take);
      this.child.once('close', () => {
        clearTimeout(late);
        reject(this.failure('ended before it had started'));
      });
    });
  }

  private failure(what: string): ToolError {
    return new ToolError([`error: ${this.name} ${what}. Its last lines:`, ...this.lines].join('\n'));
  }
}

async function format(node: HostNode, file: string, io: CliIo): Promise<void> {
  const storage = await loadTool('kafka-storage');
  const words = ['format', '-t', node.clusterId, '-c', file, ...node.formatArguments];
  const status = await storage(words, { ...io, stdout: () => {} });
  if (status !== 0) throw new ToolError(`error: the directory of ${node.service} was not formatted`);
}

async function createTopics(plan: HostPlan, io: CliIo): Promise<void> {
  for (const { topics, addresses } of plan.nodes)
    for (const topic of topics) await createTopic(topic, addresses[0] as string, io);
}

/** Runs the command and returns its exit status. Without a command it waits for Ctrl-C and returns 0. */
async function runCommand(command: readonly string[], io: CliIo): Promise<number> {
  const [name, ...args] = command;
  if (name === undefined) {
    io.stdout('Ctrl-C stops them.\n');
    await new Promise<void>((stop) => io.onSignal(() => stop()));
    return 0;
  }
  const child = spawn(name, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  const stopListening = io.onSignal((signal) => child.kill(signal));
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } catch (error) {
    throw new ToolError(`error: ${name} can't be run: ${(error as Error).message}`);
  } finally {
    stopListening();
  }
}

export async function compose(
  names: readonly string[],
  command: readonly string[],
  io: CliIo,
): Promise<number> {
  const words = parseWords(names, command);
  const folder = mkdtempSync(join(tmpdir(), 'bendemann-compose-'));
  const nodes: NodeProcess[] = [];
  try {
    const plan = await planOf(words, folder, io);
    if (plan.nodes.length === 0)
      throw new ToolError(`error: ${words.file} has no service whose image is a Kafka`);
    for (const note of plan.notes) io.stderr(`note: ${note}\n`);
    for (const node of plan.nodes) {
      const file = join(folder, `${node.service}.properties`);
      writeFileSync(file, propertiesText(node.properties), { mode: 0o600 });
      await format(node, file, io);
      nodes.push(new NodeProcess(node, file, io));
    }
    await Promise.all(nodes.map(({ started }) => started));
    await createTopics(plan, io);
    for (const { service, addresses } of plan.nodes)
      io.stdout(`${service}: ${addresses.join(', ') || 'not published'}\n`);
    return await runCommand(words.command, io);
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}
