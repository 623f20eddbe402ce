/** `bendemann doctor FILE…`: finds mistakes in the properties of nodes and prints each with the line to change. */
import { createServer } from 'node:net';
import { systemFileSystem } from '../../adapters/file-system.ts';
import type { ListenerConfig } from '../../config/listeners.ts';
import { NodeConfig } from '../../config/node-config.ts';
import { type MetaProperties, readMetaProperties } from '../../log/directories/meta-properties.ts';
import { withNodeProperties } from '../node/node-properties.ts';
import type { CliIo } from '../tool.ts';

interface Finding {
  readonly file: string;
  readonly what: string;
  readonly change: string;
}

interface Patient {
  readonly file: string;
  readonly config: NodeConfig;
  readonly metas: readonly { readonly path: string; readonly meta: MetaProperties | null }[];
}

const everywhere: readonly string[] = ['0.0.0.0', '::'];
const loopback: readonly string[] = ['localhost', '127.0.0.1', '::1'];

async function read(file: string, env: CliIo['env']): Promise<Patient | Finding> {
  try {
    const config = await withNodeProperties(file, new Map(), env, (properties) => new NodeConfig(properties));
    const paths = [...new Set([...config.logDirs, config.metadataLogDir])];
    const metas = await Promise.all(
      paths.map(async (path) => ({ path, meta: await readMetaProperties(systemFileSystem, path) })),
    );
    return { file, config, metas };
  } catch (error) {
    const what = `the node will not start: ${(error as Error).message}`;
    return { file, what, change: 'correct what the sentence names' };
  }
}

function ofListeners({ file, config }: Patient, isAlone: boolean): Finding[] {
  const found: Finding[] = [];
  const dynamic = config.voters.some(({ id, host }) => id !== config.nodeId && !loopback.includes(host));
  for (const { name, host, port } of config.isBroker ? config.advertisedListeners : []) {
    if (everywhere.includes(host))
      found.push({
        file,
        what: `clients are told to connect to ${host}, where nobody is`,
        change: `advertised.listeners=${name}://THE-NAME-OF-THIS-MACHINE:${port}`,
      });
    else if (isAlone && dynamic && loopback.includes(host))
      found.push({
        file,
        what: `clients on other machines are told to connect to ${host}, which is themselves`,
        change: `advertised.listeners=${name}://THE-NAME-OF-THIS-MACHINE:${port}`,
      });
  }
  for (const { name, securityProtocol } of config.listeners)
    if (securityProtocol !== 'PLAINTEXT')
      found.push({
        file,
        what: `listener ${name} asks for ${securityProtocol}, which this version does not have: the node will not start`,
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

async function ofPorts(patients: readonly Patient[]): Promise<Finding[]> {
  const found: Finding[] = [];
  const taken = new Map<number, string>();
  for (const { file, config } of patients) {
    for (const listener of config.listeners) {
      const { name, port } = listener;
      const other = taken.get(port);
      if (other !== undefined)
        found.push({
          file,
          what: `port ${port} of listener ${name} is that of ${other} too`,
          change: `listeners=… ${name}://:${port + 1} (and the same in advertised.listeners)`,
        });
      else if (!(await isPortFree(listener)))
        found.push({
          file,
          what: `port ${port} of listener ${name} is in use on this machine (by a node that runs already?)`,
          change: `listeners=… ${name}://:${port + 1}, or stop what uses it`,
        });
      taken.set(port, file);
    }
  }
  return found;
}

/**
 * Returns the cluster id that all directories should have: that of a directory that is formatted already, otherwise a text that
 * tells how to make one.
 */
function clusterIdFor(patients: readonly Patient[]): string {
  const known = patients.flatMap(({ metas }) => metas.flatMap(({ meta }) => meta?.clusterId ?? []))[0];
  if (known !== undefined) return known;
  return patients.length === 1
    ? '$(kafka-storage random-uuid)'
    : 'ONE-ID-FOR-ALL (kafka-storage random-uuid makes it)';
}

function ofDirectories({ file, metas, config }: Patient, clusterId: string): Finding[] {
  return metas.flatMap(({ path, meta }): Finding[] => {
    if (meta === null)
      return [
        {
          file,
          what: `${path} is not formatted: the node will not start`,
          change: `run: kafka-storage format -t ${clusterId} -c ${file}`,
        },
      ];
    if (Number(meta.nodeId) === config.nodeId) return [];
    return [
      {
        file,
        what: `${path} belongs to node ${meta.nodeId}, and this is node ${config.nodeId}`,
        change: `node.id=${meta.nodeId}, or another directory in log.dirs`,
      },
    ];
  });
}

function ofCluster(patients: readonly Patient[]): Finding[] {
  const found: Finding[] = [];
  const byNode = new Map<number, string>();
  const first = patients[0] as Patient;
  const votersText = ({ config }: Patient): string =>
    config.voters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(',');
  const clusterIds = new Map<string, string>();
  for (const patient of patients) {
    const { file, config, metas } = patient;
    const other = byNode.get(config.nodeId);
    if (other !== undefined)
      found.push({
        file,
        what: `node ${config.nodeId} is in ${other} too`,
        change: 'node.id=ANOTHER-NUMBER',
      });
    byNode.set(config.nodeId, file);
    if (votersText(patient) !== votersText(first))
      found.push({
        file,
        what: `its voters are not those of ${first.file}: the quorum may split`,
        change: `controller.quorum.voters=${votersText(first)}`,
      });
    if (
      config.isController &&
      config.voters.length > 0 &&
      !config.voters.some(({ id }) => id === config.nodeId)
    )
      found.push({
        file,
        what: `it is a controller and not among the voters ${votersText(patient)}`,
        change: 'controller.quorum.voters with this node in it, or process.roles=broker',
      });
    for (const { path, meta } of metas)
      if (meta !== null) clusterIds.set(meta.clusterId, `${path} (${file})`);
  }
  if (clusterIds.size > 1)
    found.push({
      file: first.file,
      what: `the directories are of different clusters: ${[...clusterIds].map(([id, where]) => `${id} in ${where}`).join(', ')}`,
      change:
        'format all directories with one cluster id (kafka-storage format -t ID), or take out the strange one',
    });
  const { voters } = first.config;
  const controllers = patients.filter(({ config }) => config.isController).length;
  if (patients.length > 1 && voters.length > 0 && controllers * 2 <= voters.length)
    found.push({
      file: first.file,
      what: `${controllers} of ${voters.length} voters are in these files: without the others no quorum forms`,
      change: 'start the other controllers too',
    });
  return found;
}

export async function doctor(files: readonly string[], io: CliIo): Promise<number> {
  const results = await Promise.all(files.map((file) => read(file, io.env)));
  const broken = results.filter((one): one is Finding => 'what' in one);
  const patients = results.filter((one): one is Patient => 'config' in one);
  const found = [
    ...broken,
    ...patients.flatMap((patient) => [
      ...ofListeners(patient, patients.length === 1),
      ...ofDirectories(patient, clusterIdFor(patients)),
    ]),
    ...(await ofPorts(patients)),
    ...(patients.length > 0 ? ofCluster(patients) : []),
  ];
  for (const { file, what, change } of found) io.stdout(`${file}: ${what}\n    change: ${change}\n`);
  const warnings = patients.flatMap(({ file, config }) =>
    config.warnings.map((text) => `${file}: ${text}\n`),
  );
  for (const warning of warnings) io.stdout(`note: ${warning}`);
  io.stdout(found.length === 0 ? 'Nothing that would go wrong was found.\n' : `${found.length} found.\n`);
  return found.length === 0 ? 0 : 1;
}
