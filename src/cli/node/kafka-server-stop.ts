/**
 * kafka-server-stop: asks the running servers of this machine to stop (SIGTERM), all of them, or those of a process role or
 * a node id. Servers are found among the processes by their command line; what they are, by their properties file.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseStart, readStartProperties } from './start-arguments.ts';
import { type CliIo, ToolError } from '../tool.ts';

const usage = 'USAGE: kafka-server-stop [--process-role=value] [--node-id=value]\n';

interface ServerProcess {
  readonly id: number;
  /** Arguments behind the tool's name. */
  readonly args: readonly string[];
  /** Null where the system doesn't tell. */
  readonly workingDirectory: string | null;
}

/** The arguments of kafka-server-start when `words` is the command line of one. */
function startArguments(words: readonly string[]): string[] | null {
  const at = words.findIndex((word) => /(^|[\\/])kafka-server-start(\.sh)?$/.test(word));
  return at === 1 && /node(\.exe)?$/.test(words[0] as string) ? words.slice(at + 1) : null;
}

function fromProc(): ServerProcess[] {
  const found: ServerProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const args = startArguments(readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1));
      if (args !== null)
        found.push({ id: Number(name), args, workingDirectory: readlinkSync(`/proc/${name}/cwd`) });
    } catch {
      // It ended meanwhile, or it belongs to somebody else.
    }
  }
  return found;
}

function fromPs(): ServerProcess[] {
  const lines = execFileSync('ps', ['ax', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [id, ...words] = line.trim().split(/\s+/);
    const args = startArguments(words);
    return args === null ? [] : [{ id: Number(id), args, workingDirectory: null }];
  });
}

function propertiesOf(server: ServerProcess): ReadonlyMap<string, string> {
  try {
    const command = parseStart(server.args);
    const file =
      server.workingDirectory === null ? command.file : resolve(server.workingDirectory, command.file);
    return readStartProperties({ ...command, file });
  } catch {
    return new Map();
  }
}

interface Wanted {
  readonly role: string | null;
  readonly nodeId: string | null;
}

function parseStop(args: readonly string[]): Wanted {
  let role: string | null = null;
  let nodeId: string | null = null;
  const words = args.flatMap((word) => {
    const at = word.indexOf('=');
    return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)];
  });
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1];
    if (value === undefined) throw new ToolError(usage);
    if (words[i] === '--process-role') role = value;
    else if (words[i] === '--node-id') nodeId = value;
    else throw new ToolError(usage);
  }
  return { role, nodeId };
}

function matches(server: ServerProcess, wanted: Wanted): boolean {
  if (wanted.role === null && wanted.nodeId === null) return true;
  const properties = propertiesOf(server);
  // As in Kafka, a node id is the stronger word when both are given.
  if (wanted.nodeId !== null)
    return (properties.get('node.id') ?? properties.get('broker.id'))?.trim() === wanted.nodeId;
  const roles = (properties.get('process.roles') ?? '').split(',').map((one) => one.trim());
  return (wanted.role ?? '').split(',').every((role) => roles.includes(role.trim()));
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const wanted = parseStop(args);
  const running = process.platform === 'linux' ? fromProc() : fromPs();
  const chosen = running.filter((server) => matches(server, wanted));
  if (chosen.length === 0) {
    io.stdout('No kafka server to stop\n');
    return 1;
  }
  for (const server of chosen) process.kill(server.id, 'SIGTERM');
  return 0;
}
