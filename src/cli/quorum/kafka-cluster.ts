/** kafka-cluster: prints the id of a cluster and its endpoints, and unregisters a broker. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../protocol/messages/cluster/60-describe-cluster.ts';
import {
  UnregisterBrokerRequest,
  UnregisterBrokerResponse,
} from '../../protocol/messages/cluster/64-unregister-broker.ts';
import { bootstrapArguments, withClient } from '../arguments/admin-arguments.ts';
import { type Argument, HelpRequest, parseArguments, type ToolParser } from '../arguments/argparse.ts';
import type { CliIo } from '../tool.ts';

const configArguments: readonly Argument[] = [
  {
    flags: ['--config'],
    help: '(DEPRECATED) A property file containing configurations for the Admin client. This option will be removed in a future version. Use --command-config instead.',
  },
  { flags: ['--command-config', '-c'], help: 'Config properties file for the Admin client.' },
];
const addressArguments = bootstrapArguments(true, {
  server: 'A list of host/port pairs to use for establishing the connection to the Kafka cluster.',
  controller: 'A list of host/port pairs to use for establishing the connection to the KRaft controllers.',
});

const parser: ToolParser = {
  prog: 'kafka-cluster',
  description: 'The Kafka cluster tool.',
  subcommands: {
    'cluster-id': {
      help: 'Get information about the ID of a cluster.',
      arguments: [...addressArguments, ...configArguments],
      requiredGroups: ['bootstrap'],
    },
    unregister: {
      help: 'Unregister a broker.',
      arguments: [
        ...addressArguments,
        ...configArguments,
        { flags: ['--id', '-i'], isRequired: true, help: 'The ID of the broker to unregister.' },
      ],
      requiredGroups: ['bootstrap'],
    },
    'list-endpoints': {
      help: 'List endpoints',
      arguments: [
        ...addressArguments,
        ...configArguments,
        {
          flags: ['--include-fenced-brokers'],
          kind: 'flag',
          help: 'Whether to include fenced brokers when listing broker endpoints',
        },
      ],
      requiredGroups: ['bootstrap'],
    },
  },
};

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  try {
    const parsed = parseArguments(parser, args);
    const file = parsed.text('command-config') ?? parsed.text('config');
    return await withClient(parsed, file, io, async (client) => {
      if (parsed.command === 'cluster-id') await printClusterId(client, io);
      else if (parsed.command === 'unregister') await unregister(client, Number(parsed.text('id')), io);
      else await listEndpoints(client, parsed.has('include-fenced-brokers'), io);
    });
  } catch (error) {
    if (!(error instanceof HelpRequest)) throw error;
    io.stdout(error.message);
    return 1;
  }
}

async function describe(client: KafkaClient, includeFencedBrokers: boolean) {
  const connection = await client.any();
  const answer = await connection.request(DescribeClusterRequest, DescribeClusterResponse, {
    includeClusterAuthorizedOperations: false,
    endpointType: client.speaksToControllers ? 2 : 1,
    includeFencedBrokers,
  });
  if (answer.errorCode !== 0) {
    throw new KafkaError(errorOf(answer.errorCode), answer.errorMessage ?? undefined);
  }
  return answer;
}

async function printClusterId(client: KafkaClient, io: CliIo): Promise<void> {
  const { clusterId } = await describe(client, false);
  io.stdout(
    clusterId === ''
      ? 'No cluster ID found. The Kafka version is probably too old.\n'
      : `Cluster ID: ${clusterId}\n`,
  );
}

async function unregister(client: KafkaClient, brokerId: number, io: CliIo): Promise<void> {
  const answer = await client.request(UnregisterBrokerRequest, UnregisterBrokerResponse, { brokerId });
  if (answer.errorCode !== 0) {
    throw new KafkaError(errorOf(answer.errorCode), answer.errorMessage ?? undefined);
  }
  io.stdout(`Broker ${brokerId} is no longer registered.\n`);
}

async function listEndpoints(client: KafkaClient, includeFenced: boolean, io: CliIo): Promise<void> {
  const { brokers } = await describe(client, includeFenced);
  const isBroker = !client.speaksToControllers;
  const hostWidth = Math.max(...brokers.map(({ host }) => host.length), 4);
  const row = (id: string, host: string, port: string, rack: string, state: string, type: string): void => {
    const cells = [id.padEnd(10), host.padEnd(hostWidth), port.padEnd(10), rack.padEnd(10)];
    if (isBroker) cells.push(state.padEnd(10));
    cells.push(type.padEnd(15));
    io.stdout(`${cells.join(' ')}\n`);
  };
  row('ID', 'HOST', 'PORT', 'RACK', 'STATE', 'ENDPOINT_TYPE');
  const type = isBroker ? 'broker' : 'controller';
  for (const { brokerId, host, port, rack, isFenced } of brokers) {
    row(String(brokerId), host, String(port), rack ?? 'null', isFenced ? 'fenced' : 'unfenced', type);
  }
}
