/**
 * Reads the parts of a Compose file that are needed to run its services as nodes: image, environment, ports, host names and
 * mounted files. Variables such as `${NAME:-default}` are replaced as by docker compose. Pure: it reads other files through
 * `readFile`.
 */
import { parse } from 'yaml';

/** The Compose file cannot be used. The message says why. */
export class ComposeFileError extends Error {
  override readonly name = 'ComposeFileError';
}

export interface PublishedPort {
  /** The port on this machine. */
  readonly host: number;
  readonly container: number;
}

export interface Mount {
  /** The path on this machine: absolute, or relative to the folder of the Compose file. */
  readonly source: string;
  readonly target: string;
}

export interface ComposeService {
  readonly name: string;
  /** Empty when the service is built from a Dockerfile. */
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly PublishedPort[];
  /** The host names by which other services reach this one. */
  readonly hostNames: readonly string[];
  readonly mounts: readonly Mount[];
  /** A service with profiles is started only when one of its profiles is asked for. */
  readonly profiles: readonly string[];
}

export interface ComposeInput {
  readonly text: string;
  /** The variables of the shell and of the file `.env`. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Returns the text of a file, whose path is relative to the folder of the Compose file; null when there is none. */
  readonly readFile: (path: string) => string | null;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

/**
 * Replaces variables as docker compose does: `$NAME`, and `${NAME}` with the operators `:-`, `-`, `:?`, `?`, `:+`, `+`. `$$`
 * becomes a dollar sign.
 */
export function interpolate(text: string, variables: ComposeInput['variables']): string {
  const pattern = /\$\$|\$\{([A-Za-z_]\w*)(?:(:?[-?+])((?:[^{}]|\$\{[^{}]*\})*))?\}|\$([A-Za-z_]\w*)/g;
  return text.replace(pattern, (whole, braced?: string, operator?: string, word = '', plain?: string) => {
    if (whole === '$$') return '$';
    const value = variables[(braced ?? plain) as string];
    const isThere = value !== undefined && (operator?.startsWith(':') !== true || value !== '');
    const kind = operator?.at(-1);
    if (kind === '-' && !isThere) return interpolate(word, variables);
    if (kind === '+') return isThere ? interpolate(word, variables) : '';
    if (kind === '?' && !isThere)
      throw new ComposeFileError(`The variable ${braced} is not set: ${word || 'it is required'}.`);
    return value ?? '';
  });
}

/** Replaces variables in all texts of a parsed document. */
function filledIn(value: unknown, variables: ComposeInput['variables']): unknown {
  if (typeof value === 'string') return interpolate(value, variables);
  if (Array.isArray(value)) return value.map((one) => filledIn(one, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filledIn(one, variables)]));
}

/** Parses the lines `NAME=value` of a file with environment variables. */
export function environmentLines(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][\w.]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const value = match[2] as string;
    const quoted = /^(["'])(.*)\1$/.exec(value);
    found[match[1] as string] = quoted === null ? value.replace(/\s+#.*$/, '') : (quoted[2] as string);
  }
  return found;
}

function environmentOf(service: Fields, input: ComposeInput): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of listOf(service.env_file)) {
    const path = typeof entry === 'string' ? entry : String(fieldsOf(entry).path ?? '');
    const text = input.readFile(path);
    if (text !== null) Object.assign(found, environmentLines(text));
  }
  const { environment } = service;
  const pairs: [string, unknown][] = Array.isArray(environment)
    ? environment.map((line) => {
        const at = String(line).indexOf('=');
        return at < 0 ? [String(line), null] : [String(line).slice(0, at), String(line).slice(at + 1)];
      })
    : Object.entries(fieldsOf(environment));
  for (const [name, value] of pairs) {
    // A variable that is listed without a value has the value that it has in the shell.
    const given = value === null || value === undefined ? input.variables[name] : String(value);
    if (given !== undefined) found[name] = given;
  }
  return found;
}

function range(text: string): number[] {
  const [first, last = first] = text.split('-').map(Number) as [number, number?];
  if (!Number.isInteger(first) || !Number.isInteger(last) || last < first) return [];
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/**
 * Returns the ports that a service publishes on this machine. A mapping that names no port of this machine is left out: Docker
 * would choose a port for it, so no client expects a certain one.
 */
function portsOf(service: Fields, name: string): PublishedPort[] {
  return listOf(service.ports).flatMap((entry) => {
    const long = fieldsOf(entry);
    const text =
      typeof entry === 'object'
        ? `${long.published ?? ''}:${long.target ?? ''}`
        : String(entry).replace(/\/(tcp|udp)$/, '');
    const parts = text.split(':');
    const containers = range(parts.at(-1) ?? '');
    const hosts = parts.length < 2 || parts.at(-2) === '' ? [] : range(parts.at(-2) as string);
    if (containers.length === 0)
      throw new ComposeFileError(`Service ${name}: '${text}' is not a port mapping.`);
    return containers.flatMap((container, at) =>
      hosts[at] === undefined ? [] : [{ host: hosts[at], container }],
    );
  });
}

function mountsOf(service: Fields): Mount[] {
  return listOf(service.volumes).flatMap((entry) => {
    const long = fieldsOf(entry);
    if (typeof entry === 'object')
      return long.type === 'bind' ? [{ source: String(long.source), target: String(long.target) }] : [];
    const [source = '', target = ''] = String(entry).split(':');
    // A source that does not begin with a dot, slash or tilde is the name of a Docker volume. It holds the data of the service,
    // which begins empty here.
    return /^[./~]/.test(source) && target !== '' ? [{ source, target: target.replace(/\/+$/, '') }] : [];
  });
}

export function readComposeFile(input: ComposeInput): ComposeService[] {
  let document: unknown;
  try {
    document = parse(input.text, { merge: true, logLevel: 'error' });
  } catch (error) {
    throw new ComposeFileError(`It is not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  const root = fieldsOf(filledIn(document, input.variables));
  // Compose files of version 1 have the services at the top level.
  const services = 'services' in root ? fieldsOf(root.services) : root;
  const found = Object.entries(services).flatMap(([name, value]) => {
    const service = fieldsOf(value);
    if (!('image' in service || 'build' in service)) return [];
    const names = [name, service.container_name, service.hostname].filter((one) => typeof one === 'string');
    const aliases = Object.values(fieldsOf(service.networks)).flatMap((network) =>
      listOf(fieldsOf(network).aliases),
    );
    return [
      {
        name,
        image: String(service.image ?? ''),
        environment: environmentOf(service, input),
        ports: portsOf(service, name),
        hostNames: [...new Set([...names, ...aliases.map(String)])],
        mounts: mountsOf(service),
        profiles: listOf(service.profiles).map(String),
      },
    ];
  });
  if (found.length === 0) throw new ComposeFileError('It has no services with an image.');
  return found;
}
