/** `bendemann doctor FILE…`: finds mistakes in the properties of nodes, and prints each with its line and what to change. */
import { createServer } from 'node:net';
import { systemFileSystem } from '../../adapters/file-system.ts';
import { type Inspection, inspectProperties } from '../../config/inspect.ts';
import type { ListenerConfig } from '../../config/listeners.ts';
import { directoriesOf } from '../../config/parse-values.ts';
import { type PropertyLine, propertyLines } from '../../config/properties-file.ts';
import { type MetaProperties, readMetaProperties } from '../../log/directories/meta-properties.ts';
import { withNodeProperties } from '../node/node-properties.ts';
import { readPropertiesFile } from '../node/properties-path.ts';
import { type CliIo, ToolError } from '../tool.ts';

interface Finding {
  readonly file: string;
  /** The keys that the finding is about. It is shown with the line of the first of them that the file sets. */
  readonly keys: readonly string[];
  readonly what: string;
  readonly change: string;
}

interface InspectedNode extends Inspection {
  readonly file: string;
  readonly nodeId: number;
  readonly listeners: readonly ListenerConfig[];
  readonly isController: boolean;
  readonly metas: readonly { readonly path: string; readonly meta: MetaProperties | null }[];
}

/** What was read of a properties file. `node` is null when the properties could not be read; `found` then says why. */
interface InspectedFile {
  readonly file: string;
  readonly lines: readonly PropertyLine[];
  readonly node: InspectedNode | null;
  readonly found: readonly Finding[];
  /** Findings about what a node accepts, although the user probably did not mean it. */
  readonly notes: readonly Finding[];
}

const everywhere: readonly string[] = ['0.0.0.0', '::'];
const loopback: readonly string[] = ['localhost', '127.0.0.1', '::1'];

/** Reads a file and inspects its properties. */
async function read(file: string, env: CliIo['env']): Promise<InspectedFile> {
  let lines: readonly PropertyLine[] = [];
  const failed = (what: string, change: string): InspectedFile => {
    const keys = lines.map(({ key }) => key).filter((key) => what.includes(` of ${key} `));
    return { file, lines, node: null, found: [{ file, keys, what, change }], notes: [] };
  };
  try {
    const text = readPropertiesFile(file);
    lines = propertyLines(text);
    if (lines.length === 0)
      return failed('the file has no properties', `begin with a copy of kraft-config/server.properties`);
    const node = await withNodeProperties(file, new Map(), env, (properties, hide) =>
      examine(file, properties, hide),
    );
    const found = node.problems.map(({ message, keys, remedy }): Finding => {
      return { file, keys, what: `the node will not start: ${message}`, change: remedy };
    });
    return { file, lines, node, found, notes: [...ofText(file, text, lines), ...ofWarnings(node)] };
  } catch (error) {
    return failed(
      (error as Error).message.trimEnd(),
      error instanceof ToolError ? 'the name of the file' : 'what the message says',
    );
  }
}

async function examine(
  file: string,
  properties: ReadonlyMap<string, string>,
  hide: (text: string) => string,
): Promise<InspectedNode> {
  const inspection = inspectProperties(properties);
  const { values, setup } = inspection;
  const { logDirs, metadataLogDir } = directoriesOf(values);
  const paths = [...new Set([...logDirs, metadataLogDir])];
  const metas = paths.map(async (path) => ({
    path,
    meta: await readMetaProperties(systemFileSystem, path).catch(() => null),
  }));
  return {
    ...inspection,
    problems: inspection.problems.map((problem) => ({ ...problem, message: hide(problem.message) })),
    file,
    nodeId: values['node.id'],
    listeners: setup?.listeners ?? [],
    isController: values['process.roles'].includes('controller'),
    metas: await Promise.all(metas),
  };
}

function ofText(file: string, text: string, lines: readonly PropertyLine[]): Finding[] {
  const notes: Finding[] = [];
  if (text.startsWith('\uFEFF'))
    notes.push({
      file,
      keys: [],
      what: 'the file begins with a byte order mark, which Apache Kafka takes for a part of its first line',
      change: 'save the file as UTF-8 without a byte order mark',
    });
  const first = new Map<string, number>();
  for (const { key, line } of lines) {
    const other = first.get(key);
    if (other === undefined) first.set(key, line);
    else
      notes.push({
        file,
        keys: [key],
        what: `${key} is set on line ${other} and again on line ${line}: the last value is used`,
        change: `remove one of the lines`,
      });
  }
  return notes;
}

function ofWarnings({ file, warnings }: InspectedNode): Finding[] {
  // The key is not passed with the warning, but it is one of the words in it. Other words are not keys of the file.
  return warnings.map((what) => ({ file, keys: what.split(/[\s(;?]+/), what, change: '' }));
}

function ofListeners({ file, values, setup, voters, nodeId }: InspectedNode, isAlone: boolean): Finding[] {
  if (setup === null) return [];
  const found: Finding[] = [];
  const keys = ['advertised.listeners', 'listeners'];
  const hasOthers = voters.some(({ id, host }) => id !== nodeId && !loopback.includes(host));
  const isBroker = values['process.roles'].includes('broker');
  const advertised = setup.advertised.filter(({ name }) => !setup.controllerNames.includes(name));
  for (const { name, host, port } of isBroker ? advertised : []) {
    if (everywhere.includes(host))
      found.push({
        file,
        keys,
        what: `clients are told to connect to ${host}, which is not the address of a machine`,
        change: `advertised.listeners=${name}://THE-NAME-OF-THIS-MACHINE:${port}`,
      });
    else if (isAlone && hasOthers && loopback.includes(host))
      found.push({
        file,
        keys,
        what: `clients on other machines are told to connect to ${host}, which is their own machine`,
        change: `advertised.listeners=${name}://THE-NAME-OF-THIS-MACHINE:${port}`,
      });
  }
  for (const { name, securityProtocol } of setup.listeners)
    if (securityProtocol !== 'PLAINTEXT')
      found.push({
        file,
        keys: ['listener.security.protocol.map', 'listeners'],
        what: `listener ${name} has the protocol ${securityProtocol}, which this version does not support: the node will not start`,
        change: `listener.security.protocol.map=${name}:PLAINTEXT (this listener is then open to everybody)`,
      });
  return found;
}

function isPortFree({ host, port }: ListenerConfig): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    const where = host === '' ? { port } : { host, port };
    server.listen(where, () => server.close(() => resolve(true)));
  });
}

/** Returns the ports that a node opens: those of its listeners, and `metrics.port`. */
function portsOf({
  listeners,
  values,
}: InspectedNode): { what: string; keys: string[]; at: ListenerConfig }[] {
  const ports = listeners.map((at) => ({ what: `of listener ${at.name}`, keys: ['listeners'], at }));
  const [host, port] = [values['metrics.host'], values['metrics.port']];
  const isTaken = listeners.some((listener) => listener.port === port);
  if (port <= 0 || isTaken) return ports;
  const at: ListenerConfig = { name: 'metrics.port', host, port, securityProtocol: 'PLAINTEXT' };
  return [...ports, { what: 'of metrics.port', keys: ['metrics.port'], at }];
}

async function ofPorts(nodes: readonly InspectedNode[]): Promise<Finding[]> {
  const found: Finding[] = [];
  const taken = new Map<number, string>();
  for (const node of nodes) {
    const { file } = node;
    for (const { what, keys, at } of portsOf(node)) {
      if (at.port === 0) continue;
      const other = taken.get(at.port);
      const line =
        keys[0] === 'listeners'
          ? `listeners=… ${at.name}://:${at.port + 1} (and the same in advertised.listeners)`
          : `metrics.port=${at.port + 1}`;
      if (other !== undefined)
        found.push({ file, keys, what: `port ${at.port} ${what} is that of ${other} too`, change: line });
      else if (!(await isPortFree(at)))
        found.push({
          file,
          keys,
          what: `port ${at.port} ${what} is in use on this machine (by a node that runs already?)`,
          change: `${line}, or stop what uses the port`,
        });
      taken.set(at.port, file);
    }
  }
  return found;
}

/**
 * Returns the cluster id that all directories should have: that of a directory that is formatted already, otherwise a text that
 * tells how to make one.
 */
function clusterIdFor(nodes: readonly InspectedNode[]): string {
  const known = nodes.flatMap(({ metas }) => metas.flatMap(({ meta }) => meta?.clusterId ?? []))[0];
  if (known !== undefined) return known;
  return nodes.length === 1
    ? '$(kafka-storage random-uuid)'
    : 'ONE-ID-FOR-ALL (kafka-storage random-uuid makes it)';
}

function ofDirectories({ file, metas, nodeId }: InspectedNode, clusterId: string): Finding[] {
  const keys = ['log.dirs', 'log.dir', 'metadata.log.dir'];
  return metas.flatMap(({ path, meta }): Finding[] => {
    if (meta === null)
      return [
        {
          file,
          keys,
          what: `${path} is not formatted: the node will not start`,
          change: `run: kafka-storage format -t ${clusterId} -c ${file}`,
        },
      ];
    if (nodeId < 0 || Number(meta.nodeId) === nodeId) return [];
    return [
      {
        file,
        keys: ['node.id', 'broker.id'],
        what: `${path} belongs to node ${meta.nodeId}, and this is node ${nodeId}`,
        change: `node.id=${meta.nodeId}, or another directory in log.dirs`,
      },
    ];
  });
}

function ofCluster(nodes: readonly InspectedNode[]): Finding[] {
  return [...ofNodeIds(nodes), ...ofVoters(nodes), ...ofClusterIds(nodes)];
}

function ofNodeIds(nodes: readonly InspectedNode[]): Finding[] {
  const found: Finding[] = [];
  const byNode = new Map<number, string>();
  for (const { file, nodeId } of nodes) {
    const other = byNode.get(nodeId);
    if (other !== undefined)
      found.push({
        file,
        keys: ['node.id', 'broker.id'],
        what: `node ${nodeId} is in ${other} too`,
        change: 'node.id=ANOTHER-NUMBER',
      });
    if (nodeId >= 0) byNode.set(nodeId, file);
  }
  return found;
}

/**
 * Compares the voters of all files with those of the first file whose own are valid, and looks for a majority of these voters.
 */
function ofVoters(nodes: readonly InspectedNode[]): Finding[] {
  const key = 'controller.quorum.voters';
  const first = nodes.find(({ problems }) => !problems.some(({ keys }) => keys.includes(key)));
  if (first === undefined) return [];
  const { voters } = first;
  const found = nodes
    .filter((node) => votersText(node) !== votersText(first))
    .map(({ file }) => ({
      file,
      keys: [key],
      what: `its voters are not those of ${first.file}: the quorum may split`,
      change: `${key}=${votersText(first)}`,
    }));
  const controllers = nodes.filter(({ isController }) => isController).length;
  if (nodes.length > 1 && voters.length > 0 && controllers * 2 <= voters.length)
    found.push({
      file: first.file,
      keys: [key],
      what: `${controllers} of ${voters.length} voters are in these files: without the others no quorum forms`,
      change: 'start the other controllers too',
    });
  return found;
}

function votersText({ voters }: InspectedNode): string {
  return voters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(',');
}

function ofClusterIds(nodes: readonly InspectedNode[]): Finding[] {
  const clusterIds = new Map<string, string>();
  for (const { file, metas } of nodes)
    for (const { path, meta } of metas)
      if (meta !== null) clusterIds.set(meta.clusterId, `${path} (${file})`);
  if (clusterIds.size <= 1) return [];
  const where = [...clusterIds].map(([id, path]) => `${id} in ${path}`).join(', ');
  return [
    {
      file: (nodes[0] as InspectedNode).file,
      keys: ['log.dirs', 'log.dir'],
      what: `the directories are of different clusters: ${where}`,
      change:
        'format all directories with one cluster id (kafka-storage format -t ID), or remove the directory of the other cluster from log.dirs',
    },
  ];
}

/** Returns the number of the line on which the file sets the first of the finding's keys; 0 when it sets none of them. */
function lineOf({ file, keys }: Finding, inspected: readonly InspectedFile[]): number {
  const lines = inspected.find((one) => one.file === file)?.lines ?? [];
  const key = keys.find((one) => lines.some((line) => line.key === one));
  return lines.findLast((one) => one.key === key)?.line ?? 0;
}

function show(finding: Finding, inspected: readonly InspectedFile[]): string {
  const { file, what, change } = finding;
  const line = lineOf(finding, inspected);
  const at = line === 0 ? file : `${file}:${line}`;
  return `${at}: ${what}\n${change === '' ? '' : `    change: ${change}\n`}`;
}

export async function doctor(files: readonly string[], io: CliIo): Promise<number> {
  const inspected = await Promise.all(files.map((file) => read(file, io.env)));
  const nodes = inspected.flatMap(({ node }) => node ?? []);
  const found = [
    ...inspected.flatMap((one) => one.found),
    ...nodes.flatMap((node) => [
      ...ofListeners(node, nodes.length === 1),
      ...ofDirectories(node, clusterIdFor(nodes)),
    ]),
    ...(await ofPorts(nodes)),
    ...(nodes.length > 0 ? ofCluster(nodes) : []),
  ];
  // Sorted by file, in the order of the command line, and then by line.
  found.sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || lineOf(a, inspected) - lineOf(b, inspected),
  );
  for (const one of found) io.stdout(show(one, inspected));
  for (const note of inspected.flatMap(({ notes }) => notes)) io.stdout(`note: ${show(note, inspected)}`);
  io.stdout(found.length === 0 ? 'Nothing that would go wrong was found.\n' : `${found.length} found.\n`);
  return found.length === 0 ? 0 : 1;
}
