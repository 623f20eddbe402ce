/** Answers DescribeLogDirs and AlterReplicaLogDirs from the log directories of this broker. */
import type { LogDescription, LogDirectories, LogDirectoryDescription } from '../broker/services.ts';
import type { FileSystem } from '../base/file-system.ts';
import type { LogDirectory } from '../log/directories/log-directory.ts';
import type { LogManager } from '../log/manager/log-manager.ts';

export function logDirectories(logs: LogManager, fs: FileSystem): LogDirectories {
  return {
    describe: () => Promise.all(logs.directories().map((directory) => describe(logs, fs, directory))),
    move: (topic, index, path) => logs.move(topic, index, path),
  };
}

async function describe(
  logs: LogManager,
  fs: FileSystem,
  directory: LogDirectory,
): Promise<LogDirectoryDescription> {
  const { path, isOffline, isCordoned } = directory;
  const volume = isOffline ? { totalBytes: -1, usableBytes: -1 } : await fs.volume(path);
  const copies = [...logs.movingCopies()].filter((moving) => moving.directory === directory);
  return {
    path,
    offline: isOffline,
    isCordoned,
    ...volume,
    logs: [
      ...(await logs.logsIn(directory)).map(
        (log): LogDescription => ({
          topic: log.topic,
          index: log.partition,
          sizeBytes: log.sizeBytes,
          offsetLag: Math.max(0, log.highWatermark - log.logEndOffset),
          isFuture: false,
        }),
      ),
      ...copies.map(({ log, copy }) => ({
        topic: log.topic,
        index: log.partition,
        sizeBytes: copy.sizeBytes,
        offsetLag: Math.max(0, log.logEndOffset - copy.logEndOffset),
        isFuture: true,
      })),
    ],
  };
}
