/**
 * `kafka-storage format`: prepares the directories of a node for a cluster. It checks everything before it writes anything. In
 * each directory meta.properties is written last, so that after a crash an incomplete directory does not count as formatted.
 */
import { hostname } from 'node:os';
import type { Clock } from '../../base/clock.ts';
import type { FileSystem } from '../../base/file-system.ts';
import { nodeId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import { isUuid, randomUuid, type Uuid } from '../../base/uuid.ts';
import type { NodeConfig } from '../../config/node-config.ts';
import {
  dateComment,
  metaPropertiesPath,
  writeMetaProperties,
} from '../../log/directories/meta-properties.ts';
import { type MetadataRecord, record } from '../../metadata/records.ts';
import type { Voter } from '../../raft/types.ts';
import { writeBootstrapFiles } from '../../server/bootstrap-checkpoint.ts';
import { controllerEndpoints } from '../../server/listeners.ts';
import { ToolError } from '../tool.ts';
import { type DirectoryState, directoriesOf, inspect } from './directories.ts';
import { type ChosenFeatures, chooseFeatures } from './features.ts';
import { scramRecord } from './scram.ts';

export interface FormatOptions {
  readonly config: NodeConfig;
  readonly clusterId: string;
  readonly ignoreFormatted: boolean;
  readonly release: string | null;
  readonly features: readonly string[];
  readonly scram: readonly string[];
  readonly isStandalone: boolean;
  readonly noInitialControllers: boolean;
  readonly initialControllers: string | null;
}

export interface FormatWorld {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly print: (line: string) => void;
}

const scramNeedsLevel = 11;

/** Parses `id@host:port:directoryId` entries, separated by commas. Throws `ToolError` with Kafka's message. */
export function parseDynamicVoters(text: string, listener: string): Voter[] {
  const voters = text.split(',').map((one) => parseDynamicVoter(one.trim(), listener));
  if (new Set(voters.map((voter) => voter.id)).size !== voters.length) {
    throw new ToolError(`Duplicate node id in dynamic voter string ${text}.`);
  }
  return voters;
}

function parseDynamicVoter(text: string, listener: string): Voter {
  const at = text.indexOf('@');
  if (at < 0) throw new ToolError('No @ found in dynamic voter string.');
  if (!/^\d+$/.test(text.slice(0, at)))
    throw new ToolError('Failed to parse node id in dynamic voter string.');
  const rest = text.slice(at + 1);
  const bracketed = rest.startsWith('[');
  const hostEnd = bracketed ? rest.indexOf(']') + 1 : rest.indexOf(':');
  if (bracketed && hostEnd === 0)
    throw new ToolError('Hostname began with left bracket, but no right bracket was found.');
  if (hostEnd < 0) throw new ToolError('No colon following hostname could be found.');
  const host = bracketed ? rest.slice(1, hostEnd - 1) : rest.slice(0, hostEnd);
  if (rest[hostEnd] !== ':') throw new ToolError('Port section must start with a colon.');
  const portEnd = rest.indexOf(':', hostEnd + 1);
  if (portEnd < 0) throw new ToolError('No colon following port could be found.');
  const port = Number(rest.slice(hostEnd + 1, portEnd));
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new ToolError('Failed to parse port in dynamic voter string.');
  const directoryId = rest.slice(portEnd + 1);
  if (!isUuid(directoryId)) throw new ToolError('Failed to parse directory ID in dynamic voter string.');
  return { id: nodeId(Number(text.slice(0, at))), directoryId, endpoints: [{ name: listener, host, port }] };
}

/** Throws when options contradict each other or the properties. */
function checkQuorumFlags(options: FormatOptions): void {
  const { config } = options;
  const chooses = options.isStandalone || options.initialControllers !== null;
  if (config.voters.length > 0 && chooses) {
    throw new ToolError(
      'You cannot specify controller.quorum.voters and format the node with --initial-controllers or --standalone. If you want to use dynamic quorum, please remove controller.quorum.voters and specify controller.quorum.bootstrap.servers instead.',
    );
  }
  if (options.isStandalone && !config.isController)
    throw new ToolError('You can only use --standalone on a controller.');
  if (config.isController && config.voters.length === 0 && !chooses && !options.noInitialControllers) {
    throw new ToolError(
      'Because controller.quorum.voters is not set on this controller, you must specify one of the following: --standalone, --initial-controllers, or --no-initial-controllers.',
    );
  }
}

/**
 * Returns the first controller listener of this node. The other voters use it to reach the node for the first time; the node
 * itself then registers all its listeners.
 */
function ownEndpoint(config: NodeConfig): Voter['endpoints'] {
  const [first] = controllerEndpoints(config, hostname());
  return first === undefined ? [] : [{ name: first.name, host: first.host, port: first.port }];
}

function initialVoters(options: FormatOptions, random: Random): Voter[] | null {
  const { config } = options;
  if (options.isStandalone) {
    return [{ id: config.nodeId, directoryId: randomUuid(random), endpoints: ownEndpoint(config) }];
  }
  if (options.initialControllers === null) return null;
  return parseDynamicVoters(options.initialControllers, config.controllerListenerNames[0] ?? 'CONTROLLER');
}

/** Throws when a directory belongs to another cluster or node. */
function checkExisting(states: readonly DirectoryState[], options: FormatOptions): void {
  for (const state of states) {
    if (state.kind === 'unreadable') throw new ToolError(state.why);
    if (state.kind === 'not a directory')
      throw new ToolError(`I/O error trying to read log directory ${state.path}: it is not a directory.`);
    if (state.kind !== 'formatted') continue;
    const path = metaPropertiesPath(state.path);
    if (state.meta.clusterId !== options.clusterId) {
      throw new ToolError(
        `Invalid cluster.id in: ${path}. Expected ${options.clusterId}, but read ${state.meta.clusterId}`,
      );
    }
    if (state.meta.nodeId !== options.config.nodeId) {
      throw new ToolError(
        `Stored node id ${state.meta.nodeId} doesn't match previous node id ${options.config.nodeId} in ${path}. If you moved your data, make sure your configured node id matches. If you intend to create a new node, you should remove all data in your data directories.`,
      );
    }
  }
  const formatted = states.find((state) => state.kind === 'formatted');
  if (formatted !== undefined && !options.ignoreFormatted) {
    throw new ToolError(
      `Log directory ${formatted.path} is already formatted. Use --ignore-formatted to ignore this directory and format the others.`,
    );
  }
}

function shown(entry: MetadataRecord): string {
  const fields =
    entry.type === 'FeatureLevelRecord'
      ? `name='${entry.name}', featureLevel=${entry.featureLevel}`
      : entry.type === 'UserScramCredentialRecord'
        ? `name='${entry.name}', mechanism=${entry.mechanism}, iterations=${entry.iterations}`
        : '';
  return `ApiMessageAndVersion(${entry.type}(${fields}) at version 0)`;
}

function bootstrapRecords(
  features: ChosenFeatures,
  options: FormatOptions,
  random: Random,
): MetadataRecord[] {
  const credentials = options.scram.map((argument) => scramRecord(argument, random));
  if (credentials.length > 0 && features.metadataVersion.level < scramNeedsLevel) {
    throw new ToolError('SCRAM is only supported in metadata.version 3.5-IV2 or later.');
  }
  const levels = features.levels.map(({ name, level }) =>
    record('FeatureLevelRecord', { name, featureLevel: level }),
  );
  return [...levels, ...credentials];
}

function directoryIdOf(
  path: string,
  options: FormatOptions,
  voters: readonly Voter[] | null,
  random: Random,
): Uuid {
  const own = voters?.find((voter) => voter.id === options.config.nodeId);
  return path === options.config.metadataLogDir && own !== undefined ? own.directoryId : randomUuid(random);
}

/** Formats the directories that are not formatted yet. Throws `ToolError` with Kafka's message. */
export async function format(options: FormatOptions, world: FormatWorld): Promise<void> {
  const { config } = options;
  const { fs, random, print } = world;
  checkQuorumFlags(options);
  const voters = initialVoters(options, random);
  const isDynamic = voters !== null || (config.voters.length === 0 && options.noInitialControllers);
  const takesUnstable = config.get('unstable.feature.versions.enable');
  const features = chooseFeatures({
    release: options.release,
    chosen: options.features,
    isDynamic,
    takesUnstable,
  });
  const records = bootstrapRecords(features, options, random);
  const states = await Promise.all(directoriesOf(config).map((path) => inspect(fs, path)));
  checkExisting(states, options);
  const fresh = states.filter((state) => state.kind === 'missing' || state.kind === 'empty');
  if (fresh.length === 0) {
    print('All of the log directories are already formatted.');
    return;
  }
  const { level, name } = features.metadataVersion;
  print(
    `Bootstrap metadata: BootstrapMetadata(records=[${records.map(shown).join(', ')}], metadataVersionLevel=${level}, source=format command)`,
  );
  const nowMs = world.clock.wallMs();
  const isVoter = voters?.some((voter) => voter.id === config.nodeId) ?? false;
  for (const { path } of fresh) {
    const isMetadata = path === config.metadataLogDir;
    const what = !isMetadata
      ? 'data'
      : voters === null
        ? 'metadata'
        : isVoter
          ? 'dynamic metadata voter'
          : 'dynamic metadata';
    print(`Formatting ${what} directory ${path} with metadata.version ${name}.`);
    await writeBootstrapFiles(fs, path, records, isMetadata ? voters : null, nowMs);
    const meta = {
      clusterId: options.clusterId,
      nodeId: config.nodeId,
      directoryId: directoryIdOf(path, options, voters, random),
    };
    await writeMetaProperties(fs, path, meta, dateComment(nowMs));
  }
}
