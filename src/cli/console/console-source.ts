/**
 * Where kafka-console-consumer gets its records from: one partition, or topics as a member of a group. When a topic does not
 * exist yet, the tool waits for it.
 */
import {
  type ConsumedRecord,
  Fetcher,
  type FetcherOptions,
  offsetEarliest,
  offsetLatest,
} from '../../client/fetcher.ts';
import { GroupConsumer } from '../../client/group-consumer.ts';
import type { KafkaClient, TopicInfo } from '../../client/kafka-client.ts';
import { retry } from '../../client/retry.ts';
import type { TopicPattern } from '../../client/subscribed-topics.ts';
import { errorOf, Errors, KafkaError } from '../../protocol/errors.ts';
import { groupOptionsOf } from '../cluster/client-options.ts';

export interface RecordSource {
  poll(maxWaitMs: number, maxRecords: number): Promise<ConsumedRecord[]>;
  close(): Promise<void>;
}

/** The topics to read: one by its name, or all whose names match a pattern. */
export type Selection = { readonly topic: string } | { readonly pattern: TopicPattern };

/** Called with the name of the topic that the command line names, when it does not exist. */
export type OnMissing = (topic: string) => void;

/** Returns the topics that exist. Throws a `KafkaError` for a name that is invalid or that the client must not read. */
async function select(client: KafkaClient, selection: Selection, onMissing: OnMissing): Promise<TopicInfo[]> {
  if ('pattern' in selection) {
    const { topics } = await client.metadata(null);
    return [...topics.values()].filter(
      ({ name, isInternal, errorCode }) => errorCode === 0 && !isInternal && selection.pattern.matches(name),
    );
  }
  const { topic } = selection;
  const found = (await client.metadata([topic], true)).topics.get(topic);
  if (found?.errorCode === 0) return [found];
  const error = found === undefined ? Errors.UNKNOWN_TOPIC_OR_PARTITION : errorOf(found.errorCode);
  if (error === Errors.INVALID_TOPIC_EXCEPTION) throw new KafkaError(error, `Invalid topics: [${topic}]`);
  if (error === Errors.TOPIC_AUTHORIZATION_FAILED)
    throw new KafkaError(error, `Not authorized to access topics: [${topic}]`);
  if (error === Errors.UNKNOWN_TOPIC_OR_PARTITION) onMissing(topic);
  return [];
}

/**
 * Repeats `attempt` while it fails with an error that a retry can resolve. Like Java's consumer, it does so without a time
 * limit.
 */
function untilServed<T>(client: KafkaClient, attempt: () => Promise<T>): Promise<T> {
  return retry(client.ports, Number.POSITIVE_INFINITY, attempt);
}

/** Reads one partition from an offset on. */
export function partitionSource(
  client: KafkaClient,
  topic: string,
  partition: number,
  start: number | 'earliest' | 'latest',
  options: Partial<FetcherOptions>,
): RecordSource {
  const fetcher = new Fetcher(client, options);
  const begin = async (): Promise<void> => {
    if (typeof start === 'number') return fetcher.assign(topic, partition, start);
    const timestamp = start === 'earliest' ? offsetEarliest : offsetLatest;
    const found = await untilServed(client, () => fetcher.offsets([{ topic, partition, timestamp }]));
    fetcher.assign(topic, partition, found.get(`${topic}-${partition}`)?.offset ?? 0);
  };
  let begun: Promise<void> | null = null;
  return {
    poll: async (maxWaitMs, maxRecords) => {
      await (begun ??= begin());
      return fetcher.poll(maxWaitMs, maxRecords);
    },
    close: async () => {},
  };
}

/** Reads the topics as a member of a group. It commits offsets of what it got, unless `enable.auto.commit` is false. */
export function groupSource(
  client: KafkaClient,
  selection: Selection,
  settings: ReadonlyMap<string, string>,
  groupId: string,
  fetch: Partial<FetcherOptions>,
  onMissing: OnMissing,
): RecordSource {
  const isAuto = settings.get('enable.auto.commit') !== 'false';
  const consumer = new GroupConsumer(client, 'topic' in selection ? [selection.topic] : selection.pattern, {
    group: { ...groupOptionsOf(settings), groupId },
    fetch,
    autoCommitIntervalMs: isAuto ? Number(settings.get('auto.commit.interval.ms') ?? 5_000) : null,
  });
  let selected: Promise<unknown> | null = null;
  return {
    poll: async (maxWaitMs, maxRecords) => {
      // A topic is created by asking for it, where `auto.create.topics.enable` allows that.
      await (selected ??= untilServed(client, () => select(client, selection, onMissing)));
      return consumer.poll(maxWaitMs, maxRecords);
    },
    close: () => consumer.close(),
  };
}
