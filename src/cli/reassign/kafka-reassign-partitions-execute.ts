/** `kafka-reassign-partitions` with `--generate` and `--execute`: proposes a plan, and starts a plan. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import type { Random } from '../../base/random.ts';
import { startMoves } from './kafka-reassign-partitions-directories.ts';
import { placeReplicas, type UsableBroker } from './kafka-reassign-partitions-placement.ts';
import {
  type Assignment,
  checkPlan,
  parseBrokerList,
  parsePlan,
  parseTopicsToMove,
  type Plan,
  planText,
  replicaKey,
} from './kafka-reassign-partitions-plan.ts';
import {
  alterReassignments,
  describeKnownTopics,
  describeLivingDirectories,
  describeNodes,
  keysText,
  listReassignments,
  type Reassignment,
} from './kafka-reassign-partitions-requests.ts';
import { movesOf, throttleDirectoryMoves, throttleMoves } from './kafka-reassign-partitions-throttles.ts';
import { comparePartitions, partitionKey } from '../cluster/list-offsets.ts';
import { type CliIo, ToolError } from '../tool.ts';

export interface GenerateOptions {
  readonly topicsJson: string;
  readonly brokerList: string;
  readonly isRackAware: boolean;
}

export async function generate(
  client: KafkaClient,
  { topicsJson, brokerList, isRackAware }: GenerateOptions,
  random: Random,
  io: CliIo,
): Promise<void> {
  const names = parseTopicsToMove(topicsJson);
  const wanted = parseBrokerList(brokerList);
  const topics = await describeKnownTopics(client, names);
  const current = [...topics.values()].flat().sort(comparePartitions);
  const nodes = (await describeNodes(client)).filter(({ id }) => wanted.includes(id));
  const brokers = isRackAware ? requireAllRacks(nodes) : nodes.map(({ id }) => ({ id, rack: null }));
  const proposed = [...topics.values()]
    .flatMap((partitions) => {
      const factor = partitions[0]?.replicas.length ?? 0;
      const placed = placeReplicas(brokers, partitions.length, factor, random);
      return partitions.map(({ topic, partition }, at) => ({ topic, partition, replicas: placed[at] ?? [] }));
    })
    .sort(comparePartitions);
  io.stdout(`Current partition replica assignment\n${await currentText(client, current)}\n\n`);
  io.stdout(`Proposed partition reassignment configuration\n${planText(proposed)}\n`);
}

/** Throws when some brokers have a rack and others have none. */
function requireAllRacks(brokers: readonly UsableBroker[]): readonly UsableBroker[] {
  const known = brokers.filter(({ rack }) => rack !== null).length;
  if (known === 0 || known === brokers.length) return brokers;
  throw new Error(
    'Not all brokers have rack information. Add --disable-rack-aware in command line to make replica assignment without rack information.',
  );
}

/**
 * Returns the current assignment as the JSON of a plan, including log directories. With it a user can undo the reassignment.
 */
async function currentText(client: KafkaClient, partitions: readonly Assignment[]): Promise<string> {
  const replicas = partitions.flatMap(({ topic, partition, replicas: brokers }) =>
    brokers.map((broker) => ({ topic, partition, broker })),
  );
  const found = await describeLivingDirectories(client, replicas);
  const directories = new Map<string, string>();
  for (const replica of replicas) {
    const current = found.get(replicaKey(replica))?.current;
    if (typeof current === 'string') directories.set(replicaKey(replica), current);
  }
  return planText(partitions, directories);
}

export interface ExecuteOptions {
  readonly planJson: string;
  readonly isAdditional: boolean;
  /** In bytes per second. A negative number means that there is no throttle. */
  readonly throttle: number;
  readonly directoryThrottle: number;
  readonly timeoutMs: number;
  readonly mayChangeFactor: boolean;
}

export async function execute(client: KafkaClient, options: ExecuteOptions, io: CliIo): Promise<void> {
  const plan = parsePlan(options.planJson);
  checkPlan(plan);
  const underWay = await listReassignments(client);
  if (!options.isAdditional && underWay.length > 0) {
    throw new ToolError(
      'Cannot execute because there is an existing partition assignment.  Use --additional to override this and create a new partition assignment in addition to the existing one. The --additional flag can also be used to change the throttle by resubmitting the current reassignment.',
      { stream: 'stdout' },
    );
  }
  await requireBrokers(client, plan);
  const current = await currentOf(client, plan);
  io.stdout(`Current partition replica assignment\n\n${await currentText(client, current)}\n\n`);
  io.stdout('Save this to use as the --reassignment-json-file option during rollback\n');
  await throttle(client, { plan, underWay, current }, options, io);
  const refused = await alterReassignments(client, plan.partitions, options.mayChangeFactor);
  if (refused.length > 0) {
    const lines = refused.map((one) => `${partitionKey(one)}: ${one.error.message}`);
    throw new ToolError(`Error reassigning partition(s):\n${lines.join('\n')}`, { stream: 'stdout' });
  }
  const plural = plan.partitions.length === 1 ? '' : 's';
  io.stdout(`Successfully started partition reassignment${plural} for ${keysText(plan.partitions)}\n`);
  if (plan.placements.length > 0) await startMoves(client, plan.placements, options.timeoutMs, io);
}

async function requireBrokers(client: KafkaClient, plan: Plan): Promise<void> {
  const living = new Set((await describeNodes(client)).map(({ id }) => id));
  const unknown = plan.partitions.flatMap(({ replicas }) => replicas).find((broker) => !living.has(broker));
  if (unknown !== undefined) throw new Error(`Unknown broker id ${unknown}`);
}

/** Returns the current assignment of the partitions in a plan. Throws when a partition does not exist. */
async function currentOf(client: KafkaClient, { partitions }: Plan): Promise<Assignment[]> {
  const topics = await describeKnownTopics(
    client,
    partitions.map(({ topic }) => topic),
  );
  const missing = partitions.filter(({ topic, partition }) => topics.get(topic)?.[partition] === undefined);
  if (missing.length > 0) throw new Error(`Unable to find partition: ${keysText(missing)}`);
  return partitions
    .map(({ topic, partition }) => topics.get(topic)?.[partition] as Assignment)
    .sort(comparePartitions);
}

async function throttle(
  client: KafkaClient,
  state: {
    readonly plan: Plan;
    readonly underWay: readonly Reassignment[];
    readonly current: readonly Assignment[];
  },
  options: ExecuteOptions,
  io: CliIo,
): Promise<void> {
  if (options.throttle < 0 && options.directoryThrottle < 0) return;
  io.stdout(
    'Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is removed.\n',
  );
  const { plan, underWay, current } = state;
  if (options.throttle >= 0) {
    const known = new Map(current.map((one) => [partitionKey(one), one]));
    await throttleMoves(client, movesOf(underWay, plan.partitions, known), options.throttle, io);
  }
  if (options.directoryThrottle >= 0) {
    const brokers = plan.placements.map(({ broker }) => broker);
    await throttleDirectoryMoves(client, brokers, options.directoryThrottle, io);
  }
}
