/**
 * The JSON that kafka-reassign-partitions reads and writes: the replicas of each partition and their log directories. Error
 * messages are Kafka's.
 */
import { partitionKey, type TopicPartition } from '../cluster/list-offsets.ts';

/** A partition, and the brokers that have its replicas or should have them. */
export interface Assignment extends TopicPartition {
  readonly replicas: readonly number[];
}

/** The replica of a partition on a broker. */
export interface Replica extends TopicPartition {
  readonly broker: number;
}

/** A replica and the log directory in which it should be. */
export interface Placement extends Replica {
  readonly directory: string;
}

export interface Plan {
  readonly partitions: readonly Assignment[];
  /** The replicas for which the plan names a log directory. */
  readonly placements: readonly Placement[];
}

const anyDirectory = 'any';
const newestVersion = 1;

export const replicaKey = (replica: Replica): string => `${partitionKey(replica)}-${replica.broker}`;

function readContent(text: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error('The input string is not a valid JSON');
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new Error('The input string is not a valid JSON');
  }
  const { version = newestVersion } = content as { version?: unknown };
  if (version !== newestVersion) throw new Error(`Not supported version field value ${String(version)}`);
  return content as Record<string, unknown>;
}

function field<T>(entry: unknown, name: string, isRight: (value: unknown) => value is T): T {
  const value = (entry as Record<string, unknown> | null)?.[name];
  if (!isRight(value)) throw new Error(`Wrong or missing field ${name} in ${JSON.stringify(entry)}`);
  return value;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isInteger = (value: unknown): value is number => Number.isInteger(value);
const isIntegers = (value: unknown): value is number[] => Array.isArray(value) && value.every(isInteger);
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isEntries = (value: unknown): value is unknown[] => Array.isArray(value);

function repeated<T>(values: readonly T[]): T[] {
  return [...new Set(values.filter((value, at) => values.indexOf(value) !== at))];
}

/** Parses a plan. It may contain a partition twice; `checkPlan` refuses that. */
export function parsePlan(text: string): Plan {
  const content = readContent(text);
  const entries = content['partitions'] === undefined ? [] : field(content, 'partitions', isEntries);
  const partitions: Assignment[] = [];
  const placements: Placement[] = [];
  for (const entry of entries) {
    const topic = field(entry, 'topic', isText);
    const partition = field(entry, 'partition', isInteger);
    const replicas = field(entry, 'replicas', isIntegers);
    const hasDirectories = (entry as Record<string, unknown>)['log_dirs'] !== undefined;
    const directories = hasDirectories ? field(entry, 'log_dirs', isTexts) : replicas.map(() => anyDirectory);
    if (replicas.length !== directories.length) {
      throw new Error(
        `Size of replicas list [${replicas.join(', ')}] is different from size of log dirs list [${directories.join(', ')}] for partition ${topic}-${partition}`,
      );
    }
    partitions.push({ topic, partition, replicas });
    replicas.forEach((broker, at) => {
      const directory = directories[at] as string;
      if (directory !== anyDirectory) placements.push({ topic, partition, broker, directory });
    });
  }
  return { partitions, placements };
}

/** Throws in Kafka's words when a plan is invalid. */
export function checkPlan({ partitions }: Plan): void {
  if (partitions.length === 0) throw new Error('Partition reassignment list cannot be empty');
  if (partitions.some(({ replicas }) => replicas.length === 0)) {
    throw new Error('Partition replica list cannot be empty');
  }
  const twice = repeated(partitions.map(partitionKey));
  if (twice.length > 0) {
    throw new Error(`Partition reassignment contains duplicate topic partitions: ${twice.join(',')}`);
  }
  const wrong = partitions
    .map((one) => ({ key: partitionKey(one), brokers: repeated(one.replicas) }))
    .filter(({ brokers }) => brokers.length > 0)
    .map(({ key, brokers }) => `${key} contains multiple entries for ${brokers.join(',')}`);
  if (wrong.length > 0) {
    throw new Error(`Partition replica lists may not contain duplicate entries: ${wrong.join('. ')}`);
  }
}

/** Parses the file of `--topics-to-move-json-file`. Returns the names of the topics. */
export function parseTopicsToMove(text: string): string[] {
  const content = readContent(text);
  const entries = content['topics'] === undefined ? [] : field(content, 'topics', isEntries);
  const topics = entries.map((entry) => field(entry, 'topic', isText));
  const twice = repeated(topics);
  if (twice.length > 0) {
    throw new Error(`List of topics to reassign contains duplicate entries: ${twice.join(', ')}`);
  }
  return topics;
}

export function parseBrokerList(text: string): number[] {
  const brokers = text.split(',').map((one) => {
    if (!/^[+-]?\d+$/.test(one)) throw new Error(`For input string: "${one}"`);
    return Number(one);
  });
  const twice = repeated(brokers);
  if (twice.length > 0) throw new Error(`Broker list contains duplicate entries: ${twice.join(', ')}`);
  return brokers;
}

/** Returns a plan as JSON. `directories` has the log directory of each replica for which it is known. */
export function planText(
  partitions: readonly Assignment[],
  directories: ReadonlyMap<string, string> = new Map(),
): string {
  return JSON.stringify({
    version: newestVersion,
    partitions: partitions.map(({ topic, partition, replicas }) => ({
      topic,
      partition,
      replicas,
      log_dirs: replicas.map(
        (broker) => directories.get(replicaKey({ topic, partition, broker })) ?? anyDirectory,
      ),
    })),
  });
}
