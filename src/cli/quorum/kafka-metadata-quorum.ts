/**
 * kafka-metadata-quorum: shows the leader, the voters and the observers of the metadata quorum and how far they lag; adds and
 * removes voters.
 */
import { existsSync } from 'node:fs';
import { uuidZero } from '../../base/uuid.ts';
import { systemClock } from '../../adapters/clock.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  DescribeQuorumRequest,
  DescribeQuorumResponse,
} from '../../protocol/messages/quorum/55-describe-quorum.ts';
import {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../protocol/messages/cluster/60-describe-cluster.ts';
import {
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
} from '../../protocol/messages/quorum/81-remove-raft-voter.ts';
import type { Infer } from '../../protocol/schema/fields.ts';
import { bootstrapArguments, withClient } from '../arguments/admin-arguments.ts';
import {
  type Argument,
  HelpRequest,
  type Parsed,
  parseArguments,
  type ToolParser,
} from '../arguments/argparse.ts';
import { type CliIo, ToolError } from '../tool.ts';

const dryRun: Argument = {
  flags: ['--dry-run'],
  kind: 'flag',
  help: 'True if we should print what would be done, but not do it.',
};

const parser: ToolParser = {
  prog: 'kafka-metadata-quorum',
  description: 'This tool describes kraft metadata quorum status.',
  arguments: [
    ...bootstrapArguments(false, {
      server:
        'A comma-separated list of host:port pairs to use for establishing the connection to the Kafka cluster.',
      controller:
        'A comma-separated list of host:port pairs to use for establishing the connection to the Kafka controllers.',
    }),
    {
      flags: ['--command-config'],
      help: 'Property file containing configs to be passed to Admin Client. For add-controller, the file is used to specify the controller properties as well.',
    },
  ],
  requiredGroups: ['bootstrap'],
  subcommands: {
    describe: {
      help: 'Describe the metadata quorum info',
      arguments: [
        {
          flags: ['--status'],
          section: 'Status',
          kind: 'flag',
          help: 'A short summary of the quorum status and the other provides detailed information about the status of replication.',
        },
        {
          flags: ['--replication'],
          section: 'Replication',
          kind: 'flag',
          help: 'Detailed information about the status of replication',
        },
        {
          flags: ['--human-readable'],
          section: 'Replication',
          kind: 'flag',
          help: 'Human-readable output',
        },
      ],
    },
    'add-controller': { help: 'Add a controller to the KRaft controller cluster', arguments: [dryRun] },
    'remove-controller': {
      help: 'Remove a controller from the KRaft controller cluster',
      arguments: [
        {
          flags: ['--controller-id', '-i'],
          isRequired: true,
          integer: 'Integer',
          help: 'The id of the controller to remove.',
        },
        {
          flags: ['--controller-directory-id', '-d'],
          isRequired: true,
          help: 'The directory ID of the controller to remove.',
        },
        dryRun,
      ],
    },
  },
};

const uuidSizeBytes = 16;
/** The longest text of a uuid: base64 with padding. */
const uuidLengthMax = 24;

type Quorum = Infer<typeof DescribeQuorumResponse>['topics'][number]['partitions'][number];
type Nodes = Infer<typeof DescribeQuorumResponse>['nodes'];
type Replica = Quorum['currentVoters'][number];

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  try {
    const parsed = parseArguments(parser, args);
    checkTogether(parsed);
    return await withClient(parsed, parsed.text('command-config'), io, (client) => run(client, parsed, io));
  } catch (error) {
    if (!(error instanceof HelpRequest)) throw error;
    io.stdout(error.message);
    return 0;
  }
}

function checkTogether(parsed: Parsed): void {
  const file = parsed.text('command-config');
  if (file !== null && !existsSync(file)) throw new ToolError(`Properties file ${file} does not exists!`);
  if (parsed.command === 'remove-controller') checkRemoved(parsed);
  if (parsed.command === 'add-controller' && !parsed.has('command-config')) {
    throw new ToolError(
      'You must supply the configuration file of the controller you are adding when using add-controller.',
    );
  }
  if (parsed.command !== 'describe') return;
  const [status, replication] = [parsed.has('status'), parsed.has('replication')];
  if (status && replication) {
    throw new ToolError(
      'Only one of --status or --replication should be specified with describe sub-command',
    );
  }
  if (!status && !replication) {
    throw new ToolError('One of --status or --replication must be specified with describe sub-command');
  }
  if (status && parsed.has('human-readable')) {
    throw new ToolError('The option --human-readable is only supported along with --replication');
  }
}

function checkRemoved(parsed: Parsed): void {
  const id = parsed.text('controller-id') ?? '';
  if (Number(id) < 0) throw new ToolError(`Invalid negative --controller-id: ${id}`);
  const directoryId = parsed.text('controller-directory-id') ?? '';
  const sizeBytes = Buffer.from(directoryId, 'base64url').length;
  if (sizeBytes === uuidSizeBytes) return;
  const why =
    directoryId.length > uuidLengthMax
      ? `Input string with prefix \`${directoryId.slice(0, uuidLengthMax)}\` is too long to be decoded as a base64 UUID`
      : `Input string \`${directoryId}\` decoded as ${sizeBytes} bytes, which is not equal to the expected ${uuidSizeBytes} bytes of a base64-encoded UUID`;
  throw new ToolError(`Failed to parse --controller-directory-id: ${why}`);
}

async function run(client: KafkaClient, parsed: Parsed, io: CliIo): Promise<void> {
  if (parsed.command === 'add-controller') {
    const { addController } = await import('./kafka-metadata-quorum-add.ts');
    return addController(client, parsed.text('command-config') as string, parsed.has('dry-run'), io);
  }
  if (parsed.command === 'remove-controller') return removeController(client, parsed, io);
  const { quorum, nodes } = await fetchQuorum(client);
  if (parsed.has('status')) io.stdout(statusText(await clusterIdOf(client), quorum, nodes));
  else io.stdout(replicationText(quorum, parsed.has('human-readable')));
}

async function fetchQuorum(client: KafkaClient): Promise<{ quorum: Quorum; nodes: Nodes }> {
  const connection = await client.any();
  const answer = await connection.request(DescribeQuorumRequest, DescribeQuorumResponse, {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  });
  const quorum = answer.topics[0]?.partitions[0];
  const errorCode = answer.errorCode !== 0 ? answer.errorCode : (quorum?.errorCode ?? -1);
  if (quorum === undefined || errorCode !== 0) {
    throw new KafkaError(errorOf(errorCode), quorum?.errorMessage ?? answer.errorMessage ?? undefined);
  }
  return { quorum, nodes: answer.nodes };
}

async function clusterIdOf(client: KafkaClient): Promise<string> {
  const connection = await client.any();
  const answer = await connection.request(DescribeClusterRequest, DescribeClusterResponse, {
    includeClusterAuthorizedOperations: false,
    endpointType: client.speaksToControllers ? 2 : 1,
    includeFencedBrokers: false,
  });
  return answer.clusterId;
}

function statusText(clusterId: string, quorum: Quorum, nodes: Nodes): string {
  const leader = quorum.currentVoters.find(({ replicaId }) => replicaId === quorum.leaderId);
  const followers = quorum.currentVoters.filter(({ replicaId }) => replicaId !== quorum.leaderId);
  const slowest = [...followers].sort((a, b) => a.logEndOffset - b.logEndOffset)[0];
  const lag = leader === undefined || slowest === undefined ? 0 : leader.logEndOffset - slowest.logEndOffset;
  const rows: [string, string | number][] = [
    ['ClusterId', clusterId],
    ['LeaderId', quorum.leaderId],
    ['LeaderEpoch', quorum.leaderEpoch],
    ['HighWatermark', quorum.highWatermark],
    ['MaxFollowerLag', lag],
    ['MaxFollowerLagTimeMs', lagTimeMs(leader, slowest, lag)],
    ['CurrentVoters', replicasText(quorum.currentVoters, nodes)],
    ['CurrentObservers', replicasText(quorum.observers, nodes)],
  ];
  return rows.map(([name, value]) => `${`${name}:`.padEnd(24)}${value}\n`).join('');
}

function lagTimeMs(leader: Replica | undefined, slowest: Replica | undefined, lag: number): number {
  if (lag === 0 || leader === undefined || slowest === undefined) return 0;
  if (leader.lastCaughtUpTimestamp < 0 || slowest.lastCaughtUpTimestamp < 0) return -1;
  return leader.lastCaughtUpTimestamp - slowest.lastCaughtUpTimestamp;
}

function replicasText(replicas: readonly Replica[], nodes: Nodes): string {
  const texts = replicas.map(({ replicaId, replicaDirectoryId }) => {
    const parts = [`"id": ${replicaId}`];
    if (replicaDirectoryId !== uuidZero) parts.push(`"directoryId": "${replicaDirectoryId}"`);
    const listeners = nodes.find(({ nodeId }) => nodeId === replicaId)?.listeners ?? [];
    if (listeners.length > 0) {
      const endpoints = listeners.map(
        ({ name, host, port }) => `"${name}://${host.includes(':') ? `[${host}]` : host}:${port}"`,
      );
      parts.push(`"endpoints": [${endpoints.join(', ')}]`);
    }
    return `{${parts.join(', ')}}`;
  });
  return `[${texts.join(', ')}]`;
}

function replicationText(quorum: Quorum, isHumanReadable: boolean): string {
  const leaderEnd =
    quorum.currentVoters.find(({ replicaId }) => replicaId === quorum.leaderId)?.logEndOffset ?? 0;
  const time = (timestampMs: number): string => {
    if (!isHumanReadable) return String(timestampMs);
    return timestampMs === -1 ? 'unknown' : `${systemClock.wallMs() - timestampMs} ms ago`;
  };
  const row = (status: string, replica: Replica): string[] => [
    String(replica.replicaId),
    replica.replicaDirectoryId,
    String(replica.logEndOffset),
    String(Math.max(0, leaderEnd - replica.logEndOffset)),
    time(replica.lastFetchTimestamp),
    time(replica.lastCaughtUpTimestamp),
    status,
  ];
  const isLeader = ({ replicaId }: Replica): boolean => replicaId === quorum.leaderId;
  return table([
    ['NodeId', 'DirectoryId', 'LogEndOffset', 'Lag', 'LastFetchTimestamp', 'LastCaughtUpTimestamp', 'Status'],
    ...quorum.currentVoters.filter(isLeader).map((replica) => row('Leader', replica)),
    ...quorum.currentVoters
      .filter((replica) => !isLeader(replica))
      .map((replica) => row('Follower', replica)),
    ...quorum.observers.map((replica) => row('Observer', replica)),
  ]);
}

/** Formats a table. Each column is as wide as its longest cell; a tab follows each cell. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) => `${row.map((cell, column) => `${cell.padEnd(widths[column] ?? 0)}\t`).join('')}\n`)
    .join('');
}

async function removeController(client: KafkaClient, parsed: Parsed, io: CliIo): Promise<void> {
  const voterId = Number(parsed.text('controller-id'));
  const voterDirectoryId = parsed.text('controller-directory-id') as string;
  if (!parsed.has('dry-run')) {
    const answer = await client.request(RemoveRaftVoterRequest, RemoveRaftVoterResponse, {
      clusterId: null,
      voterId,
      voterDirectoryId,
    });
    if (answer.errorCode !== 0) {
      throw new KafkaError(errorOf(answer.errorCode), answer.errorMessage ?? undefined);
    }
  }
  const verb = parsed.has('dry-run') ? 'DRY RUN of removing ' : 'Removed ';
  io.stdout(`${verb} KRaft controller ${voterId} with directory id ${voterDirectoryId}\n`);
}
