/** The log directories as DescribeLogDirs tells of them. */
import type { Uuid } from '../base/uuid.ts';
import type { LogDirectories, LogDirectoryDescription } from '../broker/services.ts';
import type { FileSystem } from '../base/file-system.ts';
import type { LogManager } from '../log/log-manager.ts';

export function logDirectories(logs: LogManager, fs: FileSystem): LogDirectories {
  return {
    describe: () => Promise.all(logs.directories().map((directory) => describe(logs, fs, directory))),
  };
}

async function describe(
  logs: LogManager,
  fs: FileSystem,
  { path, id, isOffline, isCordoned }: { path: string; id: Uuid; isOffline: boolean; isCordoned: boolean },
): Promise<LogDirectoryDescription> {
  const own = logs.all().filter((log) => logs.directoryIdOf(log.topic, log.partition) === id);
  const volume = isOffline ? { totalBytes: -1, usableBytes: -1 } : await fs.volume(path);
  return {
    path,
    offline: isOffline,
    isCordoned,
    ...volume,
    logs: own.map((log) => ({
      topic: log.topic,
      index: log.partition,
      sizeBytes: log.sizeBytes,
      offsetLag: Math.max(0, log.highWatermark - log.logEndOffset),
      isFuture: false,
    })),
  };
}
