/**
 * `kafka-metadata-quorum add-controller`: asks the active controller to add a controller to the voters. Id and addresses of
 * that controller are read from its properties file. As in Kafka, the rest of the file is not checked.
 */
import { readFileSync } from 'node:fs';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { parseProperties } from '../../config/properties-file.ts';
import { metaPropertiesPath, parseMetaProperties } from '../../log/directories/meta-properties.ts';
import { errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  AddRaftVoterRequest,
  AddRaftVoterResponse,
} from '../../protocol/messages/quorum/80-add-raft-voter.ts';
import type { Endpoint } from '../../raft/types.ts';
import { resolveNodeProperties } from '../node/node-properties.ts';
import { type CliIo, ToolError } from '../tool.ts';

const timeoutMs = 30_000;
const doubt = 'Is this a valid controller configuration file?';

export interface ControllerIdentity {
  readonly id: number;
  readonly directoryId: string;
  readonly endpoints: readonly Endpoint[];
}

export async function addController(
  client: KafkaClient,
  configFile: string,
  isDryRun: boolean,
  io: CliIo,
): Promise<void> {
  const { id, directoryId, endpoints } = identityIn(readConfig(configFile, io.env));
  if (!isDryRun) {
    const answer = await client.request(AddRaftVoterRequest, AddRaftVoterResponse, {
      clusterId: null,
      timeoutMs,
      voterId: id,
      voterDirectoryId: directoryId,
      listeners: endpoints,
    });
    if (answer.errorCode !== 0) {
      throw new KafkaError(errorOf(answer.errorCode), answer.errorMessage ?? undefined);
    }
  }
  const verb = isDryRun ? 'DRY RUN of adding' : 'Added';
  const shown = endpoints.map(({ name, host, port }) => `${name}://${bracketed(host)}:${port}`).join(', ');
  io.stdout(`${verb} controller ${id} with directory id ${directoryId} and endpoints: ${shown}\n`);
}

/** Reads the properties file as the node itself does: with the values that `config.providers` supply. */
function readConfig(file: string, env: CliIo['env']): ReadonlyMap<string, string> {
  return resolveNodeProperties(parseProperties(readFileSync(file, 'utf8')), env).properties;
}

/**
 * Returns what the quorum must know of the controller: node id and endpoints from its properties, and the directory id from the
 * meta.properties in its metadata log directory. Throws `ToolError` with Kafka's message.
 */
export function identityIn(properties: ReadonlyMap<string, string>): ControllerIdentity {
  const id = nodeIdIn(properties);
  const roles = (properties.get('process.roles') ?? '').split(',').map((role) => role.trim());
  if (!roles.includes('controller')) {
    throw new ToolError(`process.roles did not contain 'controller' in configuration file. ${doubt}`);
  }
  const directoryId = readDirectoryId(metadataDirectoryIn(properties));
  return { id, directoryId, endpoints: endpointsIn(properties) };
}

function nodeIdIn(properties: ReadonlyMap<string, string>): number {
  const text = properties.get('node.id');
  if (text === undefined) throw new ToolError(`node.id not found in configuration file. ${doubt}`);
  if (!/^-?\d+$/.test(text)) throw new ToolError(`For input string: "${text}"`);
  if (text.startsWith('-')) throw new ToolError(`node.id was negative in configuration file. ${doubt}`);
  return Number(text);
}

function metadataDirectoryIn(properties: ReadonlyMap<string, string>): string {
  const own = properties.get('metadata.log.dir');
  const [first] = (own ?? properties.get('log.dirs') ?? '').split(',');
  const directory = first?.trim() ?? '';
  if (directory !== '') return directory;
  throw new ToolError(`Neither metadata.log.dir nor log.dirs were found. ${doubt}`);
}

function endpointsIn(properties: ReadonlyMap<string, string>): Endpoint[] {
  const names = properties.get('controller.listener.names');
  if (names === undefined) throw new ToolError(`controller.listener.names was not found. ${doubt}`);
  const known = new Map<string, Endpoint>();
  // A listener in advertised.listeners takes precedence over the one of the same name in listeners.
  for (const key of ['listeners', 'advertised.listeners']) {
    for (const endpoint of parseEndpoints(properties.get(key) ?? '')) known.set(endpoint.name, endpoint);
  }
  return names.split(',').map((text) => {
    const name = text.trim();
    const endpoint = known.get(name);
    if (endpoint === undefined) {
      throw new ToolError(`Cannot find information about controller listener name: ${name}`);
    }
    return endpoint;
  });
}

/** Parses `NAME://host:port` entries, separated by commas. An empty host becomes localhost. */
function parseEndpoints(text: string): Endpoint[] {
  return text.split(',').flatMap((one) => {
    const match = /^\s*([^:\s]+):\/\/\[?([^\]]*?)\]?:(\d+)\s*$/.exec(one);
    if (match === null) return [];
    const [, name = '', host = '', port = ''] = match;
    return [{ name, host: host === '' ? 'localhost' : host, port: Number(port) }];
  });
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function readDirectoryId(directory: string): string {
  const path = metaPropertiesPath(directory);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new ToolError(`Unable to read meta.properties from ${directory}`);
  }
  const { directoryId } = parseMetaProperties(text);
  if (directoryId === null) throw new ToolError(`No directory id found in ${path}`);
  return directoryId;
}
