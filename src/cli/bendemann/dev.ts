/** `bendemann dev`: runs a cluster on this machine and prints its events. */
import { startKafka } from '../../testing/kafka/start-kafka.ts';
import type { TestKafka } from '../../testing/kafka/cluster.ts';
import { type ControlServer, serveControl } from '../../testing/kafka/control/control-server.ts';
import type { LoggedRequest } from '../../testing/kafka/request-ring.ts';
import { type CliIo, ToolError } from '../tool.ts';

export interface DevOptions {
  readonly nodes: number;
  readonly port: number;
  readonly host: string;
  readonly data?: string;
  readonly memory?: boolean;
  readonly topic: readonly string[];
  readonly property: readonly string[];
  readonly control?: string | true;
  readonly token?: string;
  readonly clock: string;
}

const defaultControlPort = 9099;

function topicsOf(words: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    words.map((word) => {
      const match = /^([A-Za-z0-9._-]+)(?::(\d+))?$/.exec(word);
      if (match === null)
        throw new ToolError(`error: --topic ${word}: expected a name, or a name and a number as in orders:3`);
      return [match[1] as string, Number(match[2] ?? 1)];
    }),
  );
}

function propertiesOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at < 1) throw new ToolError(`error: --property ${word}: expected key=value`);
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

function controlAddress(control: string | true): { host: string; port: number } {
  if (control === true) return { host: '127.0.0.1', port: defaultControlPort };
  const match = /^(?:\[?([^\]]*?)\]?:)?(\d+)$/.exec(control);
  if (match === null) throw new ToolError(`error: --control ${control}: expected a port, or host:port`);
  return { host: match[1] || '127.0.0.1', port: Number(match[2]) };
}

/**
 * Prints what clients do, from the requests that they send: each client, writer, reader and group member once, creations and
 * deletions of topics every time.
 */
function announcer(io: CliIo): (request: LoggedRequest) => void {
  const seen = new Set<string>();
  const once = (text: string): void => {
    if (seen.has(text)) return;
    seen.add(text);
    io.stdout(`  ${new Date().toLocaleTimeString()}  ${text}\n`);
  };
  return ({ api, clientId, about, body }) => {
    once(`client ${clientId || '(without a name)'} connected`);
    if (api === 'Produce') once(`${clientId} writes to ${about.replace(/\[[^\]]*\]/g, '')}`);
    else if (api === 'Fetch' && about !== '') once(`${clientId} reads ${about.replace(/\[[^\]]*\]/g, '')}`);
    else if (api === 'JoinGroup') once(`${clientId} joins ${about}`);
    else if (api === 'CreateTopics' || api === 'DeleteTopics') {
      const verb = api === 'CreateTopics' ? 'creates' : 'deletes';
      const { topics = [], topicNames = [] } = body as {
        topics?: { name?: string }[];
        topicNames?: string[];
      };
      for (const name of [...topics.map((topic) => topic.name ?? ''), ...topicNames])
        io.stdout(`  ${new Date().toLocaleTimeString()}  ${clientId} ${verb} topic ${name}\n`);
    }
  };
}

function reason(error: unknown, { host, port, nodes }: DevOptions): string {
  if ((error as { code?: string }).code !== 'EADDRINUSE')
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  return `error: a port from ${port} to ${port + nodes - 1} on ${host} is in use. Take another first port: bendemann dev --port ${port + 10_000}`;
}

function greeting(kafka: TestKafka, control: ControlServer | null, options: DevOptions): string {
  const [topic = 'quickstart'] = Object.keys(topicsOf(options.topic));
  const bootstrap =
    kafka.brokers[0] === 'localhost:9092' || options.port === 9092 ? '' : ` -b ${kafka.brokers[0]}`;
  const { nodes, data } = options;
  const kept = data === undefined ? 'in memory: nothing is kept (--data DIR keeps it)' : `in ${data}`;
  return [
    '',
    `${nodes} node${nodes === 1 ? '' : 's'}, ${kept}`,
    `  bootstrap servers  ${kafka.bootstrapServers}`,
    ...(control === null ? [] : [`  control            ${control.url}/openapi.json`]),
    ...(control?.token === null || control === null ? [] : [`  token              ${control.token}`]),
    '',
    'In another terminal:',
    `  npx bendemann produce ${topic} hello${bootstrap}`,
    `  npx bendemann tail ${topic} --from-beginning${bootstrap}`,
    `  npx bendemann kafka topics --list --bootstrap-server ${kafka.brokers[0]}`,
    '',
    'Ctrl-C stops it. What happens:',
    '',
  ].join('\n');
}

async function open(options: DevOptions, io: CliIo): Promise<TestKafka> {
  const { nodes, port, host, data, clock } = options;
  if (clock !== 'real' && clock !== 'manual')
    throw new ToolError(`error: --clock ${clock}: expected real or manual`);
  if (data !== undefined && options.memory === true)
    throw new ToolError('error: --data and --memory exclude each other');
  const topics = topicsOf(options.topic);
  const kafka = await startKafka({
    where: 'here',
    nodes,
    port,
    host,
    clock,
    properties: propertiesOf(options.property),
    ...(data === undefined ? { topics } : { storage: data }),
    log: (line) => {
      if (/\] (WARN|ERROR) /.test(line)) io.stderr(`  ${line}\n`);
    },
    onRequest: announcer(io),
  });
  if (data !== undefined)
    for (const [name, partitions] of Object.entries(topics)) {
      await kafka.createTopic(name, partitions).catch((error: unknown) => {
        // A data directory that was used before may already have the topic.
        if (!/already exists/.test(String(error))) throw error;
      });
    }
  return kafka;
}

export async function dev(options: DevOptions, io: CliIo): Promise<number> {
  const stopRequested = new Promise<void>((resolve) => {
    io.onSignal(() => resolve());
  });
  let kafka: TestKafka;
  try {
    kafka = await open(options, io);
  } catch (error) {
    if (error instanceof ToolError) throw error;
    throw new ToolError(reason(error, options));
  }
  let control: ControlServer | null = null;
  try {
    if (options.control !== undefined) {
      const address = controlAddress(options.control);
      control = await serveControl(kafka, {
        ...address,
        ...(options.token === undefined ? {} : { token: options.token }),
      });
    }
    io.stdout(greeting(kafka, control, options));
    await stopRequested;
    io.stdout('\nStopping.\n');
  } catch (error) {
    if (error instanceof ToolError) throw error;
    throw new ToolError(`error: the control port: ${(error as Error).message}`);
  } finally {
    await control?.close();
    await kafka.close();
  }
  return 0;
}
