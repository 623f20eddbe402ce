/**
 * The control port: an HTTP server that carries out the verbs of `verbs.ts` on a test cluster, with JSON bodies. On a loopback
 * address a token is needed only if the caller sets one. On any other address each request must have a token, which the caller
 * sets or the server generates.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KafkaError } from '../../../protocol/errors.ts';
import type { TestKafka } from '../cluster.ts';
import { checkIntegers, checkNames, checkTexts, type OptionNames } from '../known-names.ts';
import { WaitTimeoutError } from '../waits.ts';
import { openApi } from './open-api.ts';
import { checkValues, valuesOfQuery } from './values.ts';
import { BadRequestError, type ControlledCluster, NotFoundError, type Verb } from './verb.ts';
import { verbs } from './verbs.ts';

const bodyBytesMax = 16 * 1024 * 1024;
const loopback: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

/**
 * The address of the control port and its token.
 *
 * @example
 * ```ts
 * await serveControl(kafka, { host: '0.0.0.0', port: 9099, token: 'secret' });
 * ```
 */
export interface ControlOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 0, the default: any free port. */
  readonly port?: number;
  /** Required of every request. Generated when the host is not a loopback address and none is given. */
  readonly token?: string;
}

/**
 * A running control port.
 *
 * @example
 * ```ts
 * const control = await serveControl(kafka);
 * await fetch(`${control.url}/nodes/1/kill`, { method: 'POST' });
 * await control.close();
 * ```
 */
export interface ControlServer {
  readonly url: string;
  /** Null: requests need no token. */
  readonly token: string | null;
  close(): Promise<void>;
}

const optionNames: OptionNames<ControlOptions> = { host: true, port: true, token: true };

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyBytesMax) throw new BadRequestError(`The body has more than ${bodyBytesMax} bytes.`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new BadRequestError('The body is not JSON.');
  }
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    throw new BadRequestError(
      `'${word}' in the path is not valid: a % must be followed by two hexadecimal digits.`,
    );
  }
}

function matchPath(pattern: string, path: string): Record<string, string> | null {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return null;
  const values: Record<string, string> = {};
  for (const [at, segment] of wanted.entries()) {
    const word = given[at] as string;
    if (segment.startsWith('{')) values[segment.slice(1, -1)] = decoded(word);
    else if (segment !== word) return null;
  }
  return values;
}

function find(method: string, path: string): { verb: Verb; values: Record<string, string> } {
  const onPath = verbs.flatMap((verb) => {
    const values = matchPath(verb.path, path);
    return values === null ? [] : [{ verb, values }];
  });
  const found = onPath.find(({ verb }) => verb.method === method);
  if (found !== undefined) return found;
  if (onPath.length === 0)
    throw new NotFoundError(`There is no ${path}; GET /openapi.json lists what there is.`);
  throw new BadRequestError(
    `${path} takes ${onPath.map(({ verb }) => verb.method).join(', ')}, not ${method}.`,
  );
}

function statusOf(error: unknown): number {
  if (error instanceof NotFoundError) return 404;
  if (error instanceof WaitTimeoutError) return 504;
  if (error instanceof BadRequestError || error instanceof TypeError || error instanceof RangeError)
    return 400;
  return error instanceof KafkaError ? 409 : 500;
}

function isAllowed(request: IncomingMessage, token: string | null): boolean {
  if (token === null) return true;
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

class Control {
  private readonly cluster: ControlledCluster;
  private readonly token: string | null;

  constructor(kafka: TestKafka, token: string | null) {
    this.cluster = { kafka, faults: new Map(), snapshots: new Map(), nextId: 1 };
    this.token = token;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (!isAllowed(request, this.token)) {
        send(response, 401, { error: 'The header Authorization: Bearer TOKEN is missing or wrong.' });
        return;
      }
      send(response, 200, await this.result(request));
    } catch (error) {
      // If the body was not read completely (it is too large), the connection is closed: its rest would be taken for the next
      // request.
      if (!request.complete) response.shouldKeepAlive = false;
      send(response, statusOf(error), { error: error instanceof Error ? error.message : String(error) });
    }
  }

  private async result(request: IncomingMessage): Promise<unknown> {
    const [pathname = '/', query] = (request.url ?? '/').split('?', 2);
    const searchParams = new URLSearchParams(query);
    const method = request.method ?? 'GET';
    if (method === 'GET' && pathname === '/openapi.json') return openApi();
    const { verb, values: path } = find(method, pathname);
    const given = method === 'GET' ? valuesOfQuery(verb.fields, searchParams) : await bodyOf(request);
    return verb.run(this.cluster, checkValues(verb.fields, given), path);
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify(value)}\n`);
}

/**
 * Whether a request comes from a program, not from a web page: a page that is open in a browser on this machine must not
 * control the cluster. On a loopback address the header Host must name this machine.
 */
function isForThisMachine(request: IncomingMessage, host: string): boolean {
  if (request.headers.origin !== undefined) return false;
  const name = (request.headers.host ?? '')
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
  return !loopback.includes(host) || loopback.includes(name);
}

/**
 * Serves the control port of a cluster until it is closed.
 *
 * @example
 * ```ts
 * const control = await serveControl(kafka, { port: 9099 });
 * ```
 */
export async function serveControl(kafka: TestKafka, options: ControlOptions = {}): Promise<ControlServer> {
  checkNames('serveControl', options, optionNames);
  const { host = '127.0.0.1', port = 0 } = options;
  checkTexts('serveControl', { host, token: options.token });
  checkIntegers('serveControl', { port });
  const token = options.token ?? (loopback.includes(host) ? null : randomBytes(18).toString('base64url'));
  const control = new Control(kafka, token);
  const server: Server = createServer((request, response) => {
    if (isForThisMachine(request, host)) void control.answer(request, response);
    else send(response, 403, { error: 'Only programs on this machine may use this port, not web pages.' });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    token,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
