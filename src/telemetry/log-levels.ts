/**
 * Levels of loggers by log4j's names, as the files and tools of Apache Kafka set them: a logger without a level of its own has
 * that of the nearest name above it (`kafka.log` is above `kafka.log.LogManager`), at last that of the root.
 *
 * The names are those of Kafka 4.3's classes that do the work of our parts, so that its configuration files mean the same here.
 */

/** log4j's levels, from the most lines to none. */
export const levelNames = ['ALL', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'OFF'] as const;
export type LevelName = (typeof levelNames)[number];

/** Levels that the API for broker loggers takes (KIP-412). */
export const settableLevels: readonly LevelName[] = ['DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN'];

export const rootLogger = 'root';
/** One line for each request at DEBUG; at WARN unless it is set itself, as in Kafka's log4j2.yaml. */
export const requestLogger = 'kafka.request.logger';

/** Our parts, by the first word of what stands in brackets in their lines, and the loggers of the classes that do their work in Kafka. */
const loggersOfParts: Readonly<Record<string, string>> = {
  '': 'kafka.server.KafkaRaftServer',
  broker: 'kafka.server.BrokerServer',
  BrokerLifecycleManager: 'kafka.server.BrokerLifecycleManager',
  Controller: 'org.apache.kafka.controller.QuorumController',
  GroupCoordinator: 'org.apache.kafka.coordinator.group.GroupCoordinatorService',
  LogManager: 'org.apache.kafka.storage.internals.log.LogManager',
  Raft: 'org.apache.kafka.raft.KafkaRaftClient',
  ReplicaManager: 'kafka.server.ReplicaManager',
  RequestChannel: requestLogger,
  SocketServer: 'kafka.network.SocketServer',
  TransactionCoordinator: 'kafka.coordinator.transaction.TransactionCoordinator',
};

/** Loggers that the log4j2.yaml of Kafka's download names. */
const stockLoggers = ['kafka', 'org.apache.kafka', 'org.apache.kafka.controller'] as const;

/** The logger of a part: `Raft id=1` is `org.apache.kafka.raft.KafkaRaftClient`. */
export function loggerOfPart(part: string): string {
  const word = part.split(' ', 1)[0] as string;
  return loggersOfParts[word] ?? `kafka.server.${word}`;
}

export function isLevelName(text: string): text is LevelName {
  return (levelNames as readonly string[]).includes(text);
}

export class LogLevels {
  #root: LevelName;
  readonly #own = new Map<string, LevelName>([[requestLogger, 'WARN']]);
  /** Loggers that were asked for or set: what DescribeConfigs lists. */
  readonly #known = new Set<string>([...Object.values(loggersOfParts), ...stockLoggers]);
  readonly #effective = new Map<string, number>();

  constructor(root: LevelName = 'INFO', own: Iterable<readonly [string, LevelName]> = []) {
    this.#root = root;
    for (const [name, level] of own) this.set(name, level);
  }

  set(name: string, level: LevelName): void {
    if (name === rootLogger || name === '') this.#root = level;
    else {
      this.#own.set(name, level);
      this.#known.add(name);
    }
    this.#effective.clear();
  }

  /** The logger takes the level of the name above it again. */
  unset(name: string): void {
    this.#own.delete(name);
    this.#effective.clear();
  }

  /** Whether the name is that of a logger, or above one. */
  has(name: string): boolean {
    if (name === rootLogger || this.#known.has(name)) return true;
    return [...this.#known].some((known) => known.startsWith(`${name}.`));
  }

  levelOf(name: string): LevelName {
    if (name === rootLogger) return this.#root;
    for (let above = name; above !== ''; above = above.slice(0, Math.max(0, above.lastIndexOf('.')))) {
      const level = this.#own.get(above);
      if (level !== undefined) return level;
    }
    return this.#root;
  }

  /** Whether a line of `level` is written by the logger. */
  isEnabled(name: string, level: LevelName): boolean {
    let threshold = this.#effective.get(name);
    if (threshold === undefined) {
      threshold = levelNames.indexOf(this.levelOf(name));
      this.#effective.set(name, threshold);
    }
    return levelNames.indexOf(level) >= threshold;
  }

  /** All known loggers with the levels in force, sorted by name, the root first. */
  all(): [string, LevelName][] {
    const names = [...this.#known].sort();
    return [
      [rootLogger, this.#root],
      ...names.map((name): [string, LevelName] => [name, this.levelOf(name)]),
    ];
  }
}
