/**
 * Where kafka-console-consumer gets its records from: one partition, whole topics without a group, or topics as a member of a
 * group. When a topic does not exist yet, the tool waits for it.
 */
import { sleep } from '../../base/clock.ts';
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
import type { TopicPattern } from '../../client/subscription.ts';
import { groupOptionsOf } from '../cluster/client-options.ts';

export interface RecordSource {
  poll(maxWaitMs: number, maxRecords: number): Promise<ConsumedRecord[]>;
  close(): Promise<void>;
}

/**
 * How often a source without a group looks for new topics and partitions when `metadata.max.age.ms` is not set. It can be more
 * often than Kafka's five minutes, because no group has to rebalance.
 */
const refreshIntervalMs = 5_000;

/** The topics to read: one by its name, or all whose names match a pattern. */
export type Selection = { readonly topic: string } | { readonly pattern: TopicPattern };

async function select(client: KafkaClient, selection: Selection): Promise<TopicInfo[]> {
  const cluster =
    'topic' in selection ? await client.metadata([selection.topic], true) : await client.metadata(null);
  const matches = ({ name, isInternal }: TopicInfo): boolean =>
    'topic' in selection ? name === selection.topic : !isInternal && selection.pattern.matches(name);
  return [...cluster.topics.values()].filter((topic) => topic.errorCode === 0 && matches(topic));
}

/** Reads one partition from an offset on. */
export async function partitionSource(
  client: KafkaClient,
  topic: string,
  partition: number,
  start: number | 'earliest' | 'latest',
  options: Partial<FetcherOptions>,
): Promise<RecordSource> {
  const fetcher = new Fetcher(client, options);
  if (typeof start === 'number') fetcher.assign(topic, partition, start);
  else {
    const timestamp = start === 'earliest' ? offsetEarliest : offsetLatest;
    const found = await fetcher.offsets([{ topic, partition, timestamp }]);
    fetcher.assign(topic, partition, found.get(`${topic}-${partition}`)?.offset ?? 0);
  }
  return { poll: (maxWaitMs, maxRecords) => fetcher.poll(maxWaitMs, maxRecords), close: async () => {} };
}

/** Reads all partitions of the topics without a group, so no offsets are committed. */
export function topicSource(
  client: KafkaClient,
  selection: Selection,
  options: Partial<FetcherOptions>,
  metadataMaxAgeMs: number | null,
): RecordSource {
  const fetcher = new Fetcher(client, options);
  const known = new Set<string>();
  let refreshedMs = Number.NEGATIVE_INFINITY;
  const refresh = async (): Promise<void> => {
    const isFirst = known.size === 0;
    const topics = await retry(client.ports, 60_000, () => select(client, selection));
    const fresh = topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ index }) => !known.has(`${name}-${index}`))
        .map(({ index }) => ({ topic: name, partition: index })),
    );
    // A partition that was found later is read from its beginning: all its records are newer than the start of the tool.
    const timestamp = isFirst && options.reset !== 'earliest' ? offsetLatest : offsetEarliest;
    if (fresh.length === 0) return;
    const starts = await fetcher.offsets(fresh.map((one) => ({ ...one, timestamp })));
    for (const { topic, partition } of fresh) {
      known.add(`${topic}-${partition}`);
      fetcher.assign(topic, partition, starts.get(`${topic}-${partition}`)?.offset ?? 0);
    }
  };
  return {
    poll: async (maxWaitMs, maxRecords) => {
      const nowMs = client.ports.clock.monotonicMs();
      const isOld = nowMs - refreshedMs > (metadataMaxAgeMs ?? refreshIntervalMs);
      if (known.size === 0 || isOld || fetcher.takeMetadataError()) {
        refreshedMs = nowMs;
        await refresh();
      }
      if (known.size > 0) return fetcher.poll(maxWaitMs, maxRecords);
      await sleep(client.ports.scheduler, Math.min(maxWaitMs, 100));
      return [];
    },
    close: async () => {},
  };
}

/** Reads the topics as a member of a group, which commits the offsets of the records that it got. */
export async function groupSource(
  client: KafkaClient,
  selection: Selection,
  settings: ReadonlyMap<string, string>,
  groupId: string,
  fetch: Partial<FetcherOptions>,
): Promise<RecordSource> {
  if ('topic' in selection) await retry(client.ports, 60_000, () => select(client, selection));
  const isAuto = settings.get('enable.auto.commit') !== 'false';
  return new GroupConsumer(client, 'topic' in selection ? [selection.topic] : selection.pattern, {
    group: { ...groupOptionsOf(settings), groupId },
    fetch,
    autoCommitIntervalMs: isAuto ? Number(settings.get('auto.commit.interval.ms') ?? 5_000) : null,
  });
}
