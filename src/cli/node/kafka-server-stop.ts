/**
 * kafka-server-stop: sends SIGTERM to the nodes that run on this machine: to all, or to those with a given process role or node
 * id. It finds nodes by the command lines of processes, and reads role and id from their properties files.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { resolveNodeProperties } from './node-properties.ts';
import { parseStart, readStartProperties } from './start-arguments.ts';
import { type CliIo, ToolError } from '../tool.ts';

const usage = 'USAGE: kafka-server-stop [--process-role=value] [--node-id=value]\n';

interface ServerProcess {
  readonly id: number;
  /** The arguments of kafka-server-start. */
  readonly args: readonly string[];
  /** Null when the operating system does not tell it. */
  readonly workingDirectory: string | null;
  /** The environment of the process; null where the system does not report it. */
  readonly env: Readonly<Record<string, string>> | null;
}

/** Options of the command `node` whose value is the next word. */
const optionsWithValue: ReadonlySet<string> = new Set(
  '-r --require --import --loader --experimental-loader -C --conditions --title --env-file --env-file-if-exists --icu-data-dir --input-type --openssl-config --redirect-warnings --report-dir --report-directory --report-filename --report-signal --diagnostic-dir --disable-warning --inspect-port --stack-trace-limit --trace-event-categories --tls-keylog --unhandled-rejections --dns-result-order --max-http-header-size --secure-heap --secure-heap-min --cpu-prof-dir --cpu-prof-name --heap-prof-dir --heap-prof-name --heapsnapshot-signal'.split(
    ' ',
  ),
);
/** Options with which the command `node` runs no script file. */
const optionsWithoutScript = /^(-e|--eval|-p|--print|-c|--check|-i|--interactive|--test|--run|-)(=|$)/;

/**
 * When `words` is the command line of one of our nodes (`node`, its options, our launcher, arguments), returns the arguments.
 * Returns null for another process, even when kafka-server-start occurs in its command line. `directory` is the working
 * directory of the process; null when it is not known.
 */
export function startArguments(words: readonly string[], directory: string | null): string[] | null {
  if (!/(^|[\\/])node(js)?(\.exe)?$/.test(words[0] ?? '')) return null;
  let at = 1;
  for (; words[at]?.startsWith('-') === true; at++) {
    const option = words[at] as string;
    if (optionsWithoutScript.test(option)) return null;
    if (option === '--') {
      at++;
      break;
    }
    if (optionsWithValue.has(option)) at++;
  }
  const script = words[at];
  if (script === undefined || !/(^|[\\/])kafka-server-start(\.sh)?$/.test(script)) return null;
  return isOurLauncher(script, directory) ? words.slice(at + 1) : null;
}

/**
 * Whether the script is one of our launchers, which have a file `launch.cjs` beside them. A relative path in an unknown
 * directory cannot be checked, so it is accepted by its name.
 */
function isOurLauncher(script: string, directory: string | null): boolean {
  if (directory === null && !isAbsolute(script)) return true;
  const path = directory === null ? script : resolve(directory, script);
  try {
    return existsSync(join(dirname(realpathSync(path)), 'launch.cjs'));
  } catch {
    // The files were removed while the node runs. So it is accepted by its name.
    return !existsSync(path);
  }
}

function environmentOf(processId: string): Record<string, string> | null {
  try {
    const words = readFileSync(`/proc/${processId}/environ`, 'utf8').split('\0').slice(0, -1);
    return Object.fromEntries(
      words.map((word) => [word.split('=', 1)[0], word.slice(word.indexOf('=') + 1)]),
    );
  } catch {
    return null;
  }
}

function fromProc(): ServerProcess[] {
  const found: ServerProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1);
      const workingDirectory = readlinkSync(`/proc/${name}/cwd`);
      const args = startArguments(words, workingDirectory);
      if (args !== null) found.push({ id: Number(name), args, workingDirectory, env: environmentOf(name) });
    } catch {
      // The process has ended in the meantime, or belongs to another user.
    }
  }
  return found;
}

function fromPs(): ServerProcess[] {
  const lines = execFileSync('ps', ['ax', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [id, ...words] = line.trim().split(/\s+/);
    const args = startArguments(words, null);
    return args === null ? [] : [{ id: Number(id), args, workingDirectory: null, env: null }];
  });
}

/** Splits a Windows command line into words: at blanks, except between quotes. */
export function windowsWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s"]|"[^"]*")+/g)].map((found) => found[0].replaceAll('"', ''));
}

/** Asks PowerShell for lines `ID COMMAND LINE`. Some Windows systems have neither ps nor wmic. */
function fromPowerShell(): ServerProcess[] {
  const script =
    'Get-CimInstance Win32_Process -Filter "Name=\'node.exe\'" | ForEach-Object { "$($_.ProcessId) $($_.CommandLine)" }';
  const text = execFileSync('powershell', ['-NoProfile', '-Command', script], { encoding: 'utf8' });
  return text.split(/\r?\n/).flatMap((line) => {
    const [id, ...words] = windowsWords(line);
    const args = startArguments(words, null);
    return args === null ? [] : [{ id: Number(id), args, workingDirectory: null, env: null }];
  });
}

function runningServers(): ServerProcess[] {
  if (process.platform === 'win32') return fromPowerShell();
  return process.platform === 'linux' ? fromProc() : fromPs();
}

function propertiesOf(server: ServerProcess, ownEnv: CliIo['env']): ReadonlyMap<string, string> {
  let given: ReadonlyMap<string, string> = new Map();
  try {
    const command = parseStart(server.args);
    const file =
      server.workingDirectory === null ? command.file : resolve(server.workingDirectory, command.file);
    given = readStartProperties({ ...command, file });
    return resolveNodeProperties(given, server.env ?? ownEnv).properties;
  } catch {
    // A file that was changed or removed meanwhile: its values are compared as far as they can be read.
    return given;
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

/** Whether the command line selects `server`, by its role, by its node id, or because it gives neither. */
export function matches(server: ServerProcess, wanted: Wanted, env: CliIo['env']): boolean {
  if (wanted.role === null && wanted.nodeId === null) return true;
  const properties = propertiesOf(server, env);
  // When both are given, only the node id counts, as in Kafka.
  if (wanted.nodeId !== null)
    return (properties.get('node.id') ?? properties.get('broker.id'))?.trim() === wanted.nodeId;
  const roles = (properties.get('process.roles') ?? '').split(',').map((one) => one.trim());
  return (wanted.role ?? '').split(',').every((role) => roles.includes(role.trim()));
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const wanted = parseStop(args);
  const chosen = runningServers().filter((server) => matches(server, wanted, io.env));
  if (chosen.length === 0) {
    io.stdout('No kafka server to stop\n');
    return 1;
  }
  for (const server of chosen) process.kill(server.id, 'SIGTERM');
  return 0;
}
