/**
 * DescribeLogDirs (35), v1–v5. The log directories of this broker, with the size of each partition in them.
 * Versions:  v3 top-level error · v4 size and free space of the volume · v5 cordoned directories.
 * Behaviour: Null topics means all topics. A failed directory has the error KAFKA_STORAGE_ERROR.
 */
import { groupBy } from '../../../base/collections.ts';
import { Errors } from '../../../protocol/errors.ts';
import {
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
} from '../../../protocol/messages/log-directories/35-describe-log-dirs.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { BrokerServices, LogDescription, LogDirectoryDescription } from '../../services.ts';

type Result = Init<typeof DescribeLogDirsResponse>['results'][number];

export function createDescribeLogDirsHandler(services: BrokerServices): Handler {
  return defineHandler(DescribeLogDirsRequest, DescribeLogDirsResponse, {
    versions: '1-5',
    listeners: ['broker'],
    async handle(request) {
      const asked = request.topics === null ? null : wanted(request.topics);
      const directories = await services.logDirectories.describe();
      return { errorCode: 0, results: directories.map((directory) => describe(directory, asked)) };
    },
    failed: (_request, error) => ({ errorCode: error.code, results: [] }),
  });
}

function wanted(topics: NonNullable<DescribeLogDirsRequest['topics']>): Map<string, Set<number>> {
  const asked = new Map<string, Set<number>>();
  for (const { topic, partitions } of topics) {
    const indexes = asked.get(topic) ?? new Set<number>();
    for (const index of partitions) indexes.add(index);
    asked.set(topic, indexes);
  }
  return asked;
}

function describe(
  directory: LogDirectoryDescription,
  asked: ReadonlyMap<string, ReadonlySet<number>> | null,
): Result {
  if (directory.offline) {
    return { errorCode: Errors.KAFKA_STORAGE_ERROR.code, logDir: directory.path, topics: [] };
  }
  return {
    errorCode: 0,
    logDir: directory.path,
    topics: byTopic(
      directory.logs.filter(({ topic, index }) => asked === null || asked.get(topic)?.has(index)),
    ),
    totalBytes: directory.totalBytes,
    usableBytes: directory.usableBytes,
    isCordoned: directory.isCordoned,
  };
}

function byTopic(logs: readonly LogDescription[]): Result['topics'] {
  return [...groupBy(logs, ({ topic }) => topic)].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ index, sizeBytes, offsetLag, isFuture }) => ({
      partitionIndex: index,
      partitionSize: sizeBytes,
      offsetLag,
      isFutureKey: isFuture,
    })),
  }));
}
