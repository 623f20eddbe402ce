/**
 * Levels of loggers by log4j's names, as the files and tools of Apache Kafka set them. A logger without a level of its own has the
 * level of the nearest name above it (`kafka.log` is above `kafka.log.LogManager`), and finally that of the root.
 *
 * The names are those of the Kafka 4.3 classes with the same task, so that Kafka's configuration files have the same effect here.
 */

/** log4j's levels, from all lines to none. */
export const levelNames = ['ALL', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'OFF'] as const;
export type LevelName = (typeof levelNames)[number];

/** Levels that the API for broker loggers accepts (KIP-412). */
export const settableLevels: readonly LevelName[] = ['DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN'];

export const rootLogger = 'root';
/** Logs one line for each request at DEBUG. Its level is WARN unless it is set itself, as in Kafka's log4j2.yaml. */
export const requestLogger = 'kafka.request.logger';

/** From the first word of a component's name (in brackets in its log lines) to the logger of the Kafka class with the same task. */
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

/** Loggers that are named in the log4j2.yaml of Kafka's download. */
const stockLoggers = ['kafka', 'org.apache.kafka', 'org.apache.kafka.controller'] as const;

/** The logger of a component: for `Raft id=1` it is `org.apache.kafka.raft.KafkaRaftClient`. */
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
  /** Loggers that have been used or set; DescribeConfigs lists these. */
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

  /** Removes the logger's own level. */
  unset(name: string): void {
    this.#own.delete(name);
    this.#effective.clear();
  }

  /** Whether the name is that of a known logger, or is above one. */
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

  /** Whether the logger writes lines of `level`. */
  isEnabled(name: string, level: LevelName): boolean {
    let threshold = this.#effective.get(name);
    if (threshold === undefined) {
      threshold = levelNames.indexOf(this.levelOf(name));
      this.#effective.set(name, threshold);
    }
    return levelNames.indexOf(level) >= threshold;
  }

  /** All known loggers with their effective levels, sorted by name, the root first. */
  all(): [string, LevelName][] {
    const names = [...this.#known].sort();
    return [
      [rootLogger, this.#root],
      ...names.map((name): [string, LevelName] => [name, this.levelOf(name)]),
    ];
  }
}
