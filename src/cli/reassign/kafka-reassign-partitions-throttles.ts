/**
 * Throttles for reassignments, so that copying does not slow down clients. A rate is set on each broker that takes part, and
 * topics get the list of replicas to which the rate applies. These are ordinary configurations. Without --preserve-throttles,
 * `--cancel` removes them, and so does `--verify` when the plan is no longer in progress.
 */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { retry } from '../../client/retry.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../../protocol/messages/configs/44-incremental-alter-configs.ts';
import type { Assignment } from './kafka-reassign-partitions-plan.ts';
import { describeNodes, type Reassignment, timeoutMs } from './kafka-reassign-partitions-requests.ts';
import { partitionKey, type TopicPartition } from '../cluster/list-offsets.ts';
import type { CliIo } from '../tool.ts';

const topicResource = 2;
const brokerResource = 4;
const operation = { set: 0, delete: 1 };

const interBrokerRates = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate'];
const betweenDirectoriesRate = 'replica.alter.log.dirs.io.max.bytes.per.second';
const leaderReplicas = 'leader.replication.throttled.replicas';
const followerReplicas = 'follower.replication.throttled.replicas';

/** A partition, the brokers that its records are copied from, and those that they are copied to. */
export interface Move extends TopicPartition {
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
}

/** Returns all moves that are in progress once `proposed` was started. */
export function movesOf(
  underWay: readonly Reassignment[],
  proposed: readonly Assignment[],
  current: ReadonlyMap<string, Assignment>,
): Move[] {
  const moves = new Map<string, Move>();
  for (const { topic, partition, replicas, adding } of underWay) {
    const sources = replicas.filter((broker) => !adding.includes(broker));
    moves.set(partitionKey({ topic, partition }), { topic, partition, sources, destinations: adding });
  }
  for (const { topic, partition, replicas } of proposed) {
    const key = partitionKey({ topic, partition });
    const sources = moves.get(key)?.sources ?? current.get(key)?.replicas ?? [];
    const destinations = replicas.filter((broker) => !sources.includes(broker));
    moves.set(key, { topic, partition, sources, destinations });
  }
  return [...moves.values()];
}

/** Returns `partition:broker` for all brokers that `pick` returns for the moves of a topic, sorted as text. */
function replicasText(moves: readonly Move[], pick: (move: Move) => readonly number[]): string {
  const texts = moves.flatMap((move) => pick(move).map((broker) => `${move.partition}:${broker}`));
  return [...new Set(texts)].sort().join(',');
}

type Setting = readonly [name: string, value: string | null];

async function alter(
  client: KafkaClient,
  type: number,
  name: string,
  settings: readonly Setting[],
): Promise<void> {
  const init = {
    resources: [
      {
        resourceType: type,
        resourceName: name,
        configs: settings.map(([key, value]) => ({
          name: key,
          configOperation: value === null ? operation.delete : operation.set,
          value,
        })),
      },
    ],
    validateOnly: false,
  };
  const isForNode = type === brokerResource && !client.speaksToControllers;
  await retry(
    client.ports,
    timeoutMs,
    async () => {
      const answer = isForNode
        ? await client.requestTo(
            Number(name),
            IncrementalAlterConfigsRequest,
            IncrementalAlterConfigsResponse,
            init,
          )
        : await client.request(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, init);
      for (const { errorCode, errorMessage } of answer.responses) {
        if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), errorMessage ?? undefined);
      }
    },
    (error) => !(error instanceof KafkaError) || error.error === Errors.NOT_CONTROLLER,
  );
}

function ascending(ids: Iterable<number>): number[] {
  return [...new Set(ids)].sort((left, right) => left - right);
}

/**
 * Limits the moves between brokers to `rate` bytes per second. The lists of throttled replicas that the topics had before are
 * replaced.
 */
export async function throttleMoves(
  client: KafkaClient,
  moves: readonly Move[],
  rate: number,
  io: CliIo,
): Promise<void> {
  for (const topic of new Set(moves.map((move) => move.topic))) {
    const own = moves.filter((move) => move.topic === topic);
    const settings: Setting[] = [
      [leaderReplicas, replicasText(own, ({ sources }) => sources)],
      [followerReplicas, replicasText(own, ({ destinations }) => destinations)],
    ];
    await alter(
      client,
      topicResource,
      topic,
      settings.filter(([, value]) => value !== ''),
    );
  }
  for (const broker of ascending(
    moves.flatMap(({ sources, destinations }) => [...sources, ...destinations]),
  )) {
    await alter(
      client,
      brokerResource,
      String(broker),
      interBrokerRates.map((name) => [name, String(rate)]),
    );
  }
  io.stdout(`The inter-broker throttle limit was set to ${rate} B/s\n`);
}

/** Limits the moves between log directories of `brokers`. */
export async function throttleDirectoryMoves(
  client: KafkaClient,
  brokers: Iterable<number>,
  rate: number,
  io: CliIo,
): Promise<void> {
  for (const broker of ascending(brokers)) {
    await alter(client, brokerResource, String(broker), [[betweenDirectoriesRate, String(rate)]]);
  }
  io.stdout(`The replica-alter-dir throttle limit was set to ${rate} B/s\n`);
}

/** Removes the throttles of all live brokers, of the brokers in the plan, and of the topics in the plan. */
export async function clearThrottles(
  client: KafkaClient,
  partitions: readonly Assignment[],
  io: CliIo,
): Promise<void> {
  const living = (await describeNodes(client)).map(({ id }) => id);
  const brokers = ascending([...living, ...partitions.flatMap(({ replicas }) => replicas)]);
  io.stdout(
    `Clearing broker-level throttles on broker${brokers.length === 1 ? '' : 's'} ${brokers.join(',')}\n`,
  );
  for (const broker of brokers) {
    await alter(
      client,
      brokerResource,
      String(broker),
      [...interBrokerRates, betweenDirectoriesRate].map((name) => [name, null]),
    );
  }
  const topics = [...new Set(partitions.map(({ topic }) => topic))].sort();
  io.stdout(`Clearing topic-level throttles on topic${topics.length === 1 ? '' : 's'} ${topics.join(',')}\n`);
  for (const topic of topics) {
    await alter(client, topicResource, topic, [
      [leaderReplicas, null],
      [followerReplicas, null],
    ]);
  }
}
