/**
 * Levels of loggers, under log4j's names, as the configuration files and tools of Apache Kafka set them. A logger without a
 * level of its own has the level of the nearest logger above it in name (`kafka.log` is above `kafka.log.LogManager`), and
 * finally that of the root logger.
 *
 * Each component here logs under the name of the Kafka 4.3 class with the same task, so that Kafka's configuration files have
 * the same effect here.
 */

import { kafkaLoggers } from './kafka-loggers.ts';

/** log4j's levels, from the one that lets all lines pass to the one that lets none pass. */
export const levelNames = ['ALL', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'OFF'] as const;
export type LevelName = (typeof levelNames)[number];

/** Levels that a client may set for a broker's logger (KIP-412). */
export const settableLevels: readonly LevelName[] = ['DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN'];

export const rootLogger = 'root';
/** This logger writes one line for each request at DEBUG. Its level is WARN until it is set, as in Kafka's log4j2.yaml. */
export const requestLogger = 'kafka.request.logger';

/**
 * Each component's logger. The key is the first word of the component's name, which its log lines show in brackets; '' is the
 * node itself.
 */
const loggersOfParts: Readonly<Record<string, string>> = {
  '': 'kafka.server.KafkaRaftServer',
  broker: 'kafka.server.BrokerServer',
  BrokerLifecycleManager: 'org.apache.kafka.server.BrokerLifecycleManager',
  Controller: 'org.apache.kafka.controller.QuorumController',
  GroupCoordinator: 'org.apache.kafka.coordinator.group.GroupCoordinatorService',
  LogManager: 'kafka.log.LogManager',
  Raft: 'org.apache.kafka.raft.KafkaRaftClient',
  ReplicaManager: 'kafka.server.ReplicaManager',
  RequestChannel: requestLogger,
  SocketServer: 'kafka.network.SocketServer',
  TransactionCoordinator: 'kafka.coordinator.transaction.TransactionCoordinator',
};

/** For the logger under which a component writes: all of Kafka's loggers with the same task, including that one. */
const loggersOfLines: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(loggersOfParts).map(([part, line]) => {
    const others = [...kafkaLoggers].filter(([name, of]) => of === part && name !== line);
    return [line, [line, ...others.map(([name]) => name)]];
  }),
);

const wholeOfKafka: ReadonlySet<string> = new Set(['kafka', 'org.apache.kafka']);

/** Loggers that the log4j2.yaml of Kafka's download names. */
const stockLoggers = ['kafka', 'org.apache.kafka', 'org.apache.kafka.controller'] as const;

/** Returns the logger of a component: for `Raft id=1` it is `org.apache.kafka.raft.KafkaRaftClient`. */
export function loggerOfPart(part: string): string {
  const word = part.split(' ', 1)[0] as string;
  return loggersOfParts[word] ?? `kafka.server.${word}`;
}

export function isLevelName(text: string): text is LevelName {
  return (levelNames as readonly string[]).includes(text);
}

export class LogLevels {
  #root: LevelName;
  readonly #own = new Map<string, LevelName>([
    [requestLogger, 'WARN'],
    ['kafka.network.RequestChannel$', 'WARN'],
  ]);
  /** Kafka's loggers, and those whose level a file or an environment variable has set. DescribeConfigs lists these. */
  readonly #known = new Set<string>([...kafkaLoggers.keys(), ...stockLoggers]);
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

  /** Removes the level that was set for the logger itself. */
  unset(name: string): void {
    this.#own.delete(name);
    this.#effective.clear();
  }

  /**
   * Whether a logger of this name exists. A name that is only a prefix of loggers, such as `kafka.server`, does not count, as
   * in Kafka.
   */
  has(name: string): boolean {
    return name === rootLogger || this.#known.has(name);
  }

  levelOf(name: string): LevelName {
    if (name === rootLogger) return this.#root;
    for (let above = name; above !== ''; above = above.slice(0, Math.max(0, above.lastIndexOf('.')))) {
      const level = this.#own.get(above);
      if (level !== undefined) return level;
    }
    return this.#root;
  }

  /** Whether a line of `level` from the logger `name` is written. */
  isEnabled(name: string, level: LevelName): boolean {
    let threshold = this.#effective.get(name);
    if (threshold === undefined) {
      threshold = this.#thresholdOf(name);
      this.#effective.set(name, threshold);
    }
    return levelNames.indexOf(level) >= threshold;
  }

  /**
   * Returns the index in `levelNames` of the lowest level at which the logger `name` writes lines. A component writes under one
   * name, but several of Kafka's loggers may have the same task, and users may set the level of any of them:
   *
   * - A level that was set for one of these loggers counts first, then that of the longest package name above one of them.
   * - When several levels are equally near, the most verbose counts.
   * - A level set for all of Kafka (`kafka`, `org.apache.kafka`) counts only when it is above `name` itself.
   */
  #thresholdOf(name: string): number {
    const loggers = loggersOfLines.get(name) ?? [name];
    const rankOf = (above: string): number => {
      if (loggers.includes(above)) return Number.POSITIVE_INFINITY;
      const isAbove = !wholeOfKafka.has(above) && loggers.some((one) => one.startsWith(`${above}.`));
      return isAbove ? above.length : 0;
    };
    const ranked = [...this.#own].map(([above, level]) => ({ rank: rankOf(above), level }));
    const highest = Math.max(0, ...ranked.map(({ rank }) => rank));
    const levels = ranked.filter(({ rank }) => rank === highest).map(({ level }) => level);
    if (highest === 0) return levelNames.indexOf(this.levelOf(name));
    return Math.min(...levels.map((level) => levelNames.indexOf(level)));
  }

  /** Returns all known loggers with the level that applies to each: first the root, then sorted by name. */
  all(): [string, LevelName][] {
    const names = [...this.#known].sort();
    return [
      [rootLogger, this.#root],
      ...names.map((name): [string, LevelName] => [name, this.levelOf(name)]),
    ];
  }
}
