/**
 * AlterReplicaLogDirs (34), v1–v2. Says in which log directory of this broker replicas should be.
 * Behaviour: a replica that is there already is fine, one that isn't on this broker yet is REPLICA_NOT_AVAILABLE, and the client asks
 *            again: so a reassignment that names directories goes through, since brokers mostly have one.
 * Not done:  moving a replica from one directory to another; answered UNSUPPORTED_VERSION.
 */
import { type ErrorRow, Errors } from '../../protocol/errors.ts';
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '../../protocol/messages/34-alter-replica-log-dirs.ts';
import { defineHandler, type Handler } from '../handler.ts';
import type { BrokerServices, LogDirectoryDescription } from '../services.ts';

export function createAlterReplicaLogDirsHandler({ logDirectories }: BrokerServices): Handler {
  return defineHandler(AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, {
    versions: '1-2',
    listeners: ['broker'],
    async handle(request) {
      const directories = await logDirectories.describe();
      return answer(request, (path, topic, index) => place(directories, path, topic, index));
    },
    failed: (request, error) => answer(request, () => error),
  });
}

function answer(
  { dirs }: AlterReplicaLogDirsRequest,
  errorOf: (path: string, topic: string, index: number) => ErrorRow,
) {
  return {
    results: dirs.flatMap(({ path, topics }) =>
      topics.map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitions.map((partitionIndex) => ({
          partitionIndex,
          errorCode: errorOf(path, name, partitionIndex).code,
        })),
      })),
    ),
  };
}

function place(
  directories: readonly LogDirectoryDescription[],
  path: string,
  topic: string,
  index: number,
): ErrorRow {
  const wanted = directories.find((directory) => directory.path === path);
  if (wanted === undefined) return Errors.LOG_DIR_NOT_FOUND;
  if (wanted.offline) return Errors.KAFKA_STORAGE_ERROR;
  const current = directories.find(({ logs }) =>
    logs.some((log) => log.topic === topic && log.index === index),
  );
  if (current === undefined) return Errors.REPLICA_NOT_AVAILABLE;
  return current === wanted ? Errors.NONE : Errors.UNSUPPORTED_VERSION;
}
