/**
 * AlterReplicaLogDirs (34), v1–v2. Moves replicas between the log directories of this broker (KIP-113).
 * Behaviour: The response is sent when the move has begun. Until the copy replaces the log, DescribeLogDirs lists it with
 *            `isFutureKey`. A replica that is not on this broker gets REPLICA_NOT_AVAILABLE; if the broker gets this replica
 *            later, it creates the replica in that directory.
 */
import { type ErrorRow, Errors, KafkaError } from '../../../protocol/errors.ts';
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '../../../protocol/messages/log-directories/34-alter-replica-log-dirs.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { BrokerServices, LogDirectories } from '../../services.ts';
import { partitionsByTopic } from '../partitions-by-topic.ts';

type Result = AlterReplicaLogDirsResponse['results'][number];

interface Move {
  readonly index: number;
  readonly path: string;
}

/** The folder of the copy is named `<topic>-<partition>.<32 digits>-future`, which must not exceed this length. */
const futureNameMax = 255;

export function createAlterReplicaLogDirsHandler({ logDirectories }: BrokerServices): Handler {
  return defineHandler(AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, {
    versions: '1-2',
    listeners: ['broker'],
    async handle({ dirs }) {
      const asked = dirs.flatMap(({ path, topics }) =>
        topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map((index): Move => ({ index, path })),
        })),
      );
      const results: Result[] = [];
      for (const { name, partitions } of partitionsByTopic(asked, ({ index }) => index))
        results.push({ topicName: name, partitions: await moveAll(logDirectories, name, partitions) });
      return { results };
    },
    failed: ({ dirs }, error) => ({
      results: dirs.flatMap(({ topics }) =>
        topics.map(({ name, partitions }) => ({
          topicName: name,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: error.code })),
        })),
      ),
    }),
  });
}

async function moveAll(
  logDirectories: LogDirectories,
  topic: string,
  moves: readonly Move[],
): Promise<Result['partitions']> {
  const results: Result['partitions'][number][] = [];
  for (const { index, path } of moves) {
    const error = await moveOne(logDirectories, path, topic, index);
    results.push({ partitionIndex: index, errorCode: error.code });
  }
  return results;
}

async function moveOne(
  logDirectories: LogDirectories,
  path: string,
  topic: string,
  index: number,
): Promise<ErrorRow> {
  if (`${topic}-${index}.`.length + '-future'.length + 32 > futureNameMax) {
    return Errors.INVALID_TOPIC_EXCEPTION;
  }
  try {
    await logDirectories.move(topic, index, path);
    return Errors.NONE;
  } catch (error) {
    if (error instanceof KafkaError) return error.error;
    throw error;
  }
}
