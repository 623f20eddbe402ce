/**
 * kafka-broker-api-versions: prints for each broker the API versions that it supports, and which version a client of Kafka 4.3
 * would use.
 */
import type { BrokerConnection } from '../../client/connection.ts';
import { apiOf } from '../../protocol/messages/api-keys.ts';
import {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../protocol/messages/cluster/60-describe-cluster.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { printHelpOrVersion } from '../arguments/help-or-version.ts';
import { type OptionTable, parseOptions } from '../arguments/options.ts';
import { optionsHelp } from '../arguments/options-help.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro = 'This tool helps to retrieve broker version information.';

const table: OptionTable = {
  'bootstrap-server': {
    argument: 'server(s) to use for bootstrapping',
    help: 'REQUIRED: The server to connect to.',
  },
  'command-config': {
    argument: 'command config property file',
    help: 'A property file containing configs to be passed to Admin Client.',
  },
  help: { help: 'Print usage information.' },
  version: { help: 'Display Kafka version.' },
};

/** APIs that clients of Kafka 4.3 know and this program has no schema for: key, name, newest version. */
const others: readonly [key: number, name: string, versionMax: number][] = [
  [76, 'ShareGroupHeartbeat', 1],
  [77, 'ShareGroupDescribe', 1],
  [78, 'ShareFetch', 2],
  [79, 'ShareAcknowledge', 2],
  [83, 'InitializeShareGroupState', 0],
  [84, 'ReadShareGroupState', 0],
  [85, 'WriteShareGroupState', 1],
  [86, 'DeleteShareGroupState', 0],
  [87, 'ReadShareGroupStateSummary', 1],
  [88, 'StreamsGroupHeartbeat', 0],
  [89, 'StreamsGroupDescribe', 0],
  [90, 'DescribeShareGroupOffsets', 1],
  [91, 'AlterShareGroupOffsets', 0],
  [92, 'DeleteShareGroupOffsets', 0],
];
const keyMax = 92;
/** The keys of APIs that only nodes call. The tool leaves them out. */
const internal: ReadonlySet<number> = new Set([4, 5, 6, 7, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82]);

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(table, args);
  const status = printHelpOrVersion(options, args, intro, table, io);
  if (status !== null) return status;
  const bootstrap = options.text('bootstrap-server');
  if (bootstrap === null)
    throw new ToolError(`Missing required argument "[bootstrap-server]"\n${optionsHelp(table)}`);
  const client = connectClient({ bootstrap, settings: clientSettings(options.text('command-config')) });
  try {
    await client.metadata([]);
    const answer = await client.request(DescribeClusterRequest, DescribeClusterResponse, {
      includeClusterAuthorizedOperations: false,
      includeFencedBrokers: false,
    });
    for (const { brokerId, host, port, rack, isFenced } of answer.brokers) {
      io.stdout(`${host}:${port} (id: ${brokerId} rack: ${rack ?? 'null'} isFenced: ${isFenced}) -> `);
      try {
        io.stdout(`(\n${servedText(await client.broker(brokerId))}\n)\n`);
      } catch (error) {
        io.stdout(`ERROR: ${(error as Error).message}\n`);
      }
    }
    return 0;
  } finally {
    client.close();
  }
}

function servedText(connection: BrokerConnection): string {
  const lines: string[] = [];
  for (let key = 0; key <= keyMax; key++) {
    if (internal.has(key)) continue;
    const known = knownApi(key);
    if (known === null) continue;
    const span = connection.served.get(key);
    if (span === undefined) lines.push(`\t${known.name}(${key}): UNSUPPORTED`);
    else {
      const range = span.min === span.max ? String(span.min) : `${span.min} to ${span.max}`;
      const usable = Math.min(span.max, known.versionMax);
      lines.push(`\t${known.name}(${key}): ${range} [usable: ${usable < span.min ? 'NONE' : usable}]`);
    }
  }
  for (const [key, { min, max }] of connection.served) {
    if (key > keyMax)
      lines.push(`\tUNKNOWN(${key}): ${min === max ? min : `${min} to ${max}`} [usable: NONE]`);
  }
  return lines.join(',\n');
}

function knownApi(key: number): { name: string; versionMax: number } | null {
  const api = apiOf(key);
  if (api !== undefined) {
    const { versions, latestVersionUnstable } = api.request;
    return { name: api.name, versionMax: versions.max - (latestVersionUnstable ? 1 : 0) };
  }
  const other = others.find(([otherKey]) => otherKey === key);
  return other === undefined ? null : { name: other[1], versionMax: other[2] };
}
