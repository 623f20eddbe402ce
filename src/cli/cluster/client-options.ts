/** Converts properties of Java's producer and consumer, such as `acks` and `fetch.min.bytes`, to the options of our client. */
import { createSystemRandom } from '../../adapters/random.ts';
import { randomUuid } from '../../base/uuid.ts';
import type { FetcherOptions } from '../../client/fetcher.ts';
import { type GroupOptions, groupDefaults } from '../../client/group-membership.ts';
import { type ProducerOptions, producerDefaults } from '../../client/producer.ts';
import { type CompressionType, compressionTypes } from '../../protocol/records/batch.ts';
import { ToolError } from '../tool.ts';

type Settings = ReadonlyMap<string, string>;

function oneOf<T extends string>(settings: Settings, key: string, known: readonly T[], otherwise: T): T {
  const value = settings.get(key) ?? otherwise;
  if (known.includes(value as T)) return value as T;
  throw new ToolError(
    `org.apache.kafka.common.config.ConfigException: Invalid value ${value} for configuration ${key}: String must be one of: ${[...known].sort().join(', ')}`,
  );
}

function numberOf(settings: Settings, key: string, otherwise: number, type = 'INT'): number {
  const text = settings.get(key);
  if (text === undefined) return otherwise;
  if (/^\s*[-+]?\d+\s*$/.test(text)) return Number(text);
  throw new ToolError(
    `org.apache.kafka.common.config.ConfigException: Invalid value ${text} for configuration ${key}: Not a number of type ${type}`,
  );
}

/** The default of `max.request.size` of Java's producers. */
export const javaMaxRequestBytes = 1_048_576;
const acksOf = { all: -1, '-1': -1, '0': 0, '1': 1 } as const;

export function producerOptionsOf(settings: Settings): ProducerOptions {
  const acks = acksOf[oneOf(settings, 'acks', ['all', '-1', '0', '1'], 'all')];
  const number = (key: string, otherwise: number): number => numberOf(settings, key, otherwise);
  return {
    acks,
    lingerMs: number('linger.ms', producerDefaults.lingerMs),
    batchBytes: number('batch.size', producerDefaults.batchBytes),
    compression: oneOf<CompressionType>(settings, 'compression.type', compressionTypes, 'none'),
    isIdempotent: acks === -1 && settings.get('enable.idempotence') !== 'false',
    requestTimeoutMs: number('request.timeout.ms', producerDefaults.requestTimeoutMs),
    deliveryTimeoutMs: number('delivery.timeout.ms', producerDefaults.deliveryTimeoutMs),
    maxRequestBytes: number('max.request.size', javaMaxRequestBytes),
    maxBlockMs: number('max.block.ms', producerDefaults.maxBlockMs),
    retries: number('retries', producerDefaults.retries),
    transaction: null,
  };
}

function resetOf(settings: Settings): FetcherOptions['reset'] {
  const key = 'auto.offset.reset';
  const value = (settings.get(key) ?? 'latest').toLowerCase();
  if (value === 'latest' || value === 'earliest' || value === 'none') return value;
  if (value.startsWith('by_duration:'))
    throw new ToolError(
      `${key}=${settings.get(key)} is not supported by this tool: set earliest, latest or none`,
    );
  throw new ToolError(
    `org.apache.kafka.common.config.ConfigException: Invalid value ${value} for configuration ${key}: Invalid value \`${value}\` for configuration ${key}. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.`,
  );
}

export function fetchOptionsOf(settings: Settings): Partial<FetcherOptions> {
  return {
    fetchMinBytes: numberOf(settings, 'fetch.min.bytes', 1),
    fetchMaxBytes: numberOf(settings, 'fetch.max.bytes', 52_428_800),
    partitionMaxBytes: numberOf(settings, 'max.partition.fetch.bytes', 1_048_576),
    isReadCommitted:
      oneOf(settings, 'isolation.level', ['read_uncommitted', 'read_committed'], 'read_uncommitted') ===
      'read_committed',
    reset: resetOf(settings),
  };
}

function isConsumerProtocol(settings: Settings): boolean {
  const protocol = settings.get('group.protocol')?.toLowerCase() ?? 'classic';
  if (protocol === 'classic' || protocol === 'consumer') return protocol === 'consumer';
  throw new ToolError(
    `org.apache.kafka.common.config.ConfigException: Invalid value ${settings.get('group.protocol')} for configuration group.protocol: String must be one of (case insensitive): CLASSIC, CONSUMER`,
  );
}

/** Returns `metadata.max.age.ms`, or null when it is not set. */
export function metadataMaxAgeMsOf(settings: Settings): number | null {
  return settings.has('metadata.max.age.ms') ? numberOf(settings, 'metadata.max.age.ms', 0, 'LONG') : null;
}

/** Options for a member of a group. `settings` must have a `group.id`. */
export function groupOptionsOf(settings: Settings): GroupOptions {
  return {
    groupId: settings.get('group.id') ?? '',
    groupInstanceId: settings.get('group.instance.id') ?? null,
    sessionTimeoutMs: numberOf(settings, 'session.timeout.ms', groupDefaults.sessionTimeoutMs),
    heartbeatIntervalMs: numberOf(settings, 'heartbeat.interval.ms', groupDefaults.heartbeatIntervalMs),
    rebalanceTimeoutMs: numberOf(settings, 'max.poll.interval.ms', groupDefaults.rebalanceTimeoutMs),
    remoteAssignor: settings.get('group.remote.assignor') ?? null,
    metadataMaxAgeMs: metadataMaxAgeMsOf(settings) ?? groupDefaults.metadataMaxAgeMs,
    consumerProtocolId: isConsumerProtocol(settings) ? randomUuid(createSystemRandom()) : null,
  };
}
