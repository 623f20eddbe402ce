/** Describes and alters configurations of topics, brokers, loggers, groups and client metrics. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { retry } from '../../client/retry.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  DescribeConfigsRequest,
  DescribeConfigsResponse,
} from '../../protocol/messages/configs/32-describe-configs.ts';
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../../protocol/messages/configs/44-incremental-alter-configs.ts';
import {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../protocol/messages/cluster/60-describe-cluster.ts';
import {
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from '../../protocol/messages/configs/74-list-config-resources.ts';
import type { Infer } from '../../protocol/schema/fields.ts';
import { listGroups } from '../cluster/group-requests.ts';
import type { ConfigsCommand, EntityType } from './kafka-configs-arguments.ts';
import { type CliIo, ToolError } from '../tool.ts';

type Entry = Infer<typeof DescribeConfigsResponse>['results'][number]['configs'][number];

const timeoutMs = 60_000;
const operation = { set: 0, delete: 1 };

/** For each type of entity: its code as a resource in requests, and the code that marks its dynamic values in responses. */
const resources: Readonly<Partial<Record<EntityType, { type: number; source: number | null }>>> = {
  topics: { type: 2, source: 1 },
  brokers: { type: 4, source: 2 },
  'broker-loggers': { type: 8, source: null },
  'client-metrics': { type: 16, source: 7 },
  groups: { type: 32, source: 8 },
};
const clusterDefaultsSource = 3;

const sourceNames = [
  'UNKNOWN',
  'DYNAMIC_TOPIC_CONFIG',
  'DYNAMIC_BROKER_CONFIG',
  'DYNAMIC_DEFAULT_BROKER_CONFIG',
  'STATIC_BROKER_CONFIG',
  'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG',
  'DYNAMIC_CLIENT_METRICS_CONFIG',
  'DYNAMIC_GROUP_CONFIG',
];

function resourceOf(type: EntityType): { type: number; source: number | null } {
  const resource = resources[type];
  if (resource === undefined) throw new ToolError(`Unsupported entity type: ${type}`);
  return resource;
}

function isBrokerType(type: EntityType): boolean {
  return type === 'brokers' || type === 'broker-loggers';
}

/** Returns the id of the broker to ask for an entity; null when any node can answer. */
function nodeOf(type: EntityType, name: string): number | null {
  return isBrokerType(type) && name !== '' ? Number(name) : null;
}

export async function describeResources(
  client: KafkaClient,
  { types, names }: ConfigsCommand,
  isAll: boolean,
  io: CliIo,
): Promise<void> {
  const type = types[0] as EntityType;
  const [name] = names;
  if (name !== undefined && !isAll && !(await exists(client, type, name))) {
    const what = isBrokerType(type) ? 'broker' : singular(type);
    io.stdout(`The ${what} '${name}' doesn't exist and doesn't have dynamic config.\n`);
    return;
  }
  for (const entity of name === undefined ? await entitiesOf(client, type) : [name]) {
    io.stdout(
      entity === ''
        ? `Default configs for ${type} in the cluster are:\n`
        : `${isAll ? 'All' : 'Dynamic'} configs for ${singular(type)} ${entity} are:\n`,
    );
    for (const entry of await describeEntity(client, type, entity, isAll)) io.stdout(entryLine(entry));
  }
}

function singular(type: EntityType): string {
  return type.slice(0, -1);
}

function entryLine({ name, value, isSensitive, synonyms }: Entry): string {
  const layers = synonyms.map((one) => `${sourceNames[one.source] ?? 'UNKNOWN'}:${one.name}=${one.value}`);
  return `  ${name}=${value} sensitive=${isSensitive} synonyms={${layers.join(', ')}}\n`;
}

async function exists(client: KafkaClient, type: EntityType, name: string): Promise<boolean> {
  if (isBrokerType(type) && name === '') return true;
  const known = await entitiesOf(client, type);
  return known.includes(isBrokerType(type) ? String(Number(name)) : name);
}

/** Returns the names of all entities of a type. '' stands for the defaults of all brokers. */
async function entitiesOf(client: KafkaClient, type: EntityType): Promise<string[]> {
  switch (type) {
    case 'topics':
      return [...(await retry(client.ports, timeoutMs, () => client.metadata(null))).topics.keys()];
    case 'brokers':
    case 'broker-loggers':
      return [...(await nodes(client)), ''];
    case 'groups': {
      const groups = (await listGroups(client)).map(({ groupId }) => groupId);
      return [...new Set([...groups, ...(await configured(client, type))])];
    }
    default:
      return configured(client, type);
  }
}

async function nodes(client: KafkaClient): Promise<string[]> {
  const answer = await retry(client.ports, timeoutMs, () =>
    client.request(DescribeClusterRequest, DescribeClusterResponse, {
      includeClusterAuthorizedOperations: false,
      endpointType: client.speaksToControllers ? 2 : 1,
    }),
  );
  return answer.brokers.map(({ brokerId }) => String(brokerId));
}

/** Returns the names of the resources of this type that have a configuration. */
export async function configured(client: KafkaClient, type: EntityType): Promise<string[]> {
  const wanted = resourceOf(type).type;
  const answer = await retry(client.ports, timeoutMs, () =>
    client.request(ListConfigResourcesRequest, ListConfigResourcesResponse, { resourceTypes: [wanted] }),
  );
  if (answer.errorCode !== 0) throw new KafkaError(errorOf(answer.errorCode));
  return answer.configResources
    .filter(({ resourceType }) => resourceType === wanted)
    .map(({ resourceName }) => resourceName);
}

/** Returns the dynamic values of an entity, or all values in force, sorted by name. */
export async function describeEntity(
  client: KafkaClient,
  type: EntityType,
  name: string,
  isAll: boolean,
): Promise<Entry[]> {
  const resource = resourceOf(type);
  const init = {
    resources: [{ resourceType: resource.type, resourceName: name, configurationKeys: null }],
    includeSynonyms: true,
    includeDocumentation: false,
  };
  const node = nodeOf(type, name);
  const answer = await retry(client.ports, timeoutMs, () =>
    node === null
      ? client.request(DescribeConfigsRequest, DescribeConfigsResponse, init)
      : client.requestTo(node, DescribeConfigsRequest, DescribeConfigsResponse, init),
  );
  const [result] = answer.results;
  if (result === undefined) throw new KafkaError(Errors.UNKNOWN_SERVER_ERROR);
  if (result.errorCode !== 0) {
    throw new KafkaError(errorOf(result.errorCode), result.errorMessage ?? undefined);
  }
  const source = type === 'brokers' && name === '' ? clusterDefaultsSource : resource.source;
  return result.configs
    .filter(({ configSource }) => isAll || source === null || configSource === source)
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

export async function alterResource(
  client: KafkaClient,
  { types, names }: ConfigsCommand,
  added: ReadonlyMap<string, string>,
  deleted: readonly string[],
): Promise<void> {
  const type = types[0] as EntityType;
  const name = names[0] ?? '';
  if (type === 'broker-loggers') await checkLoggers(client, name, [...deleted, ...added.keys()]);
  const configs = [
    ...deleted.map((key) => ({ name: key, configOperation: operation.delete, value: null })),
    ...[...added].map(([key, value]) => ({ name: key, configOperation: operation.set, value })),
  ];
  const init = {
    resources: [{ resourceType: resourceOf(type).type, resourceName: name, configs }],
    validateOnly: false,
  };
  // With --bootstrap-controller, the active controller changes the configuration of any node.
  const node = client.speaksToControllers ? null : nodeOf(type, name);
  await retry(
    client.ports,
    timeoutMs,
    async () => {
      const answer =
        node === null
          ? await client.request(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, init)
          : await client.requestTo(
              node,
              IncrementalAlterConfigsRequest,
              IncrementalAlterConfigsResponse,
              init,
            );
      for (const { errorCode, errorMessage } of answer.responses) {
        if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), errorMessage ?? undefined);
      }
    },
    isUnanswered,
  );
}

/**
 * Whether a request should be sent again: when there was no response, or when the node was not the active controller. Any other
 * error from the cluster is final.
 */
function isUnanswered(error: unknown): boolean {
  if (error instanceof KafkaError) return error.error === Errors.NOT_CONTROLLER;
  return !(error instanceof ToolError);
}

/** Throws when one of the loggers does not exist. Called before any level is changed. */
async function checkLoggers(client: KafkaClient, broker: string, loggers: readonly string[]): Promise<void> {
  const known = new Set(
    (await describeEntity(client, 'broker-loggers', broker, false)).map(({ name }) => name),
  );
  const unknown = loggers.filter((name) => !known.has(name));
  if (unknown.length > 0) throw new ToolError(`Invalid broker logger(s): ${unknown.join(',')}`);
}
