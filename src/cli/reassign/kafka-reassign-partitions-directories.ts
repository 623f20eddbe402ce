/** Moves of replicas between log directories of a broker: starts those that a plan names, and shows their progress. */
import { sleep } from '../../base/clock.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '../../protocol/messages/log-directories/34-alter-replica-log-dirs.ts';
import { exceptionText } from '../text/exception-names.ts';
import { type Placement, type Replica, replicaKey } from './kafka-reassign-partitions-plan.ts';
import { describeDirectories, type ReplicaDirectory } from './kafka-reassign-partitions-requests.ts';
import { byTopic, comparePartitions, partitionKey } from '../cluster/list-offsets.ts';
import { type CliIo, ToolError } from '../tool.ts';

const pauseMs = 100;

/** A replica, the directory where the plan wants it (`directory`), and where it is now. */
export interface DirectoryMove extends Placement {
  readonly found: ReplicaDirectory | null;
}

function compareReplicas(left: Replica, right: Replica): number {
  return comparePartitions(left, right) || left.broker - right.broker;
}

export async function findMoves(
  client: KafkaClient,
  placements: readonly Placement[],
): Promise<DirectoryMove[]> {
  const directories = await describeDirectories(client, placements);
  return placements
    .map((placement) => ({ ...placement, found: directories.get(replicaKey(placement)) ?? null }))
    .sort(compareReplicas);
}

/** Whether the broker is moving the replica to another directory, perhaps not the one in the plan. */
export function isActive({ found }: DirectoryMove): boolean {
  return found !== null && found.future !== null;
}

/** Whether the broker has the replica and is not moving it. The replica may be in another directory than the plan wants. */
export function isOver(move: DirectoryMove): boolean {
  return move.found !== null && move.found.current !== null && !isActive(move);
}

/** Returns the line about a move that `--verify` prints. */
export function moveText(move: DirectoryMove): string {
  const { broker, directory, found } = move;
  const partition = `Partition ${partitionKey(move)}`;
  if (found === null) return `${partition} cannot be found in any live log directory on broker ${broker}.`;
  if (found.current === null) {
    return `${partition} is not found in any live log dir on broker ${broker}. There is likely an offline log directory on the broker.`;
  }
  if (found.future === directory) return `Reassignment of replica ${replicaKey(move)} is still in progress.`;
  if (found.future !== null) {
    return `${partition} on broker ${broker} is being moved to log dir ${found.future} instead of ${directory}.`;
  }
  if (found.current === directory)
    return `Reassignment of replica ${replicaKey(move)} completed successfully.`;
  return `${partition} on broker ${broker} is not being moved from log dir ${found.current} to ${directory}.`;
}

function keysText(replicas: readonly Replica[]): string {
  return [...replicas].sort(compareReplicas).map(replicaKey).join(',');
}

/**
 * Asks the brokers to move replicas to their directories. A replica that is also reassigned to the broker may not exist there
 * yet; the request is then repeated until `timeoutMs` has passed.
 */
export async function startMoves(
  client: KafkaClient,
  placements: readonly Placement[],
  timeoutMs: number,
  io: CliIo,
): Promise<void> {
  const { clock, scheduler } = client.ports;
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  for (let waiting = placements; ; await sleep(scheduler, pauseMs)) {
    const started = await askForMoves(client, waiting);
    for (const placement of [...started].sort(compareReplicas)) {
      const { directory, broker } = placement;
      // Kafka's tool prints a blank at the end of this line too.
      io.stdout(
        `Successfully started moving log directory to ${directory} for replica ${partitionKey(placement)} with broker ${broker} \n`,
      );
    }
    waiting = waiting.filter((one) => !started.includes(one));
    if (waiting.length === 0) return;
    if (clock.monotonicMs() >= deadlineMs) {
      throw new ToolError(
        `Timed out before log directory move${waiting.length === 1 ? '' : 's'} could be started for: ${keysText(waiting)}`,
        { stream: 'stdout' },
      );
    }
  }
}

/**
 * Sends one request to each broker. Returns the placements that were accepted; those of replicas that the broker does not have
 * yet are left out.
 */
async function askForMoves(client: KafkaClient, placements: readonly Placement[]): Promise<Placement[]> {
  const brokers = [...new Set(placements.map(({ broker }) => broker))];
  const started = await Promise.all(
    brokers.map((broker) =>
      askBroker(
        client,
        broker,
        placements.filter((one) => one.broker === broker),
      ),
    ),
  );
  return started.flat();
}

async function askBroker(
  client: KafkaClient,
  broker: number,
  placements: readonly Placement[],
): Promise<Placement[]> {
  const dirs = [...new Set(placements.map(({ directory }) => directory))].map((path) => ({
    path,
    topics: byTopic(placements.filter(({ directory }) => directory === path)).map(({ name, list }) => ({
      name,
      partitions: list.map(({ partition }) => partition),
    })),
  }));
  const answer = await client.requestTo(broker, AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, {
    dirs,
  });
  const errors = new Map(
    answer.results.flatMap(({ topicName, partitions }) =>
      partitions.map(({ partitionIndex, errorCode }) => [
        partitionKey({ topic: topicName, partition: partitionIndex }),
        errorOf(errorCode),
      ]),
    ),
  );
  return placements.filter((placement) => {
    const error = errors.get(partitionKey(placement)) ?? Errors.UNKNOWN_SERVER_ERROR;
    if (error === Errors.NONE) return true;
    if (error === Errors.REPLICA_NOT_AVAILABLE) return false;
    throw new Error(
      `Failed to alter dir for ${replicaKey(placement)}: ${exceptionText(new KafkaError(error))}`,
    );
  });
}
