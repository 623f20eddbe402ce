/**
 * `kafka-consumer-groups --reset-offsets`: computes new offsets for groups without members. With `--execute` it commits them.
 * It prints them as a table, or as CSV that `--from-file` can read again.
 */
import { readFileSync } from 'node:fs';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { CommandFailure } from '../text/command-failure.ts';
import {
  type CommittedOffset,
  committedOffsets,
  commitOffsets,
  describeGroup,
} from '../cluster/group-requests.ts';
import { parseDateTime, parseDuration } from '../text/java-time.ts';
import { selectedGroups } from './kafka-consumer-groups-list.ts';
import { resetScenarios } from './kafka-consumer-groups-options.ts';
import {
  comparePartitions,
  listOffsets,
  partitionKey,
  type TopicPartition,
} from '../cluster/list-offsets.ts';
import type { Options } from '../arguments/options.ts';
import { columnWidth, formatRow } from '../text/text-table.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { parseTopicPartitions } from '../cluster/topic-partitions.ts';

const latest = -1;
const earliest = -2;

export interface Planned extends TopicPartition {
  readonly offset: number;
}

export interface Reset {
  readonly client: KafkaClient;
  readonly options: Options;
  readonly io: CliIo;
  /** Whether only one group was named. With several groups, the CSV has a column with the group. */
  readonly isOneGroup: boolean;
}

export async function resetOffsets(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const groups = await selectedGroups(client, options);
  const reset: Reset = { client, options, io, isOneGroup: options.all('group').length === 1 };
  const plans = new Map<string, Planned[]>();
  for (const groupId of groups) plans.set(groupId, await resetGroup(reset, groupId));
  if (options.has('export')) printCsv(reset, plans);
  else printTable(io, plans);
}

async function resetGroup(reset: Reset, groupId: string): Promise<Planned[]> {
  const state = await stateOf(reset.client, groupId);
  if (state !== 'Empty' && state !== 'Dead') {
    reset.io.stdout(
      `\nError: Assignments can only be reset if the group '${groupId}' is inactive, but the current state is ${state}.\n`,
    );
    return [];
  }
  const partitions = await scopeOf(reset, groupId);
  const plan = (await planOf(reset, groupId, partitions)).sort(comparePartitions);
  if (reset.options.has('execute') && plan.length > 0) {
    const offsets = plan.map((one): CommittedOffset => ({ ...one, leaderEpoch: -1 }));
    await commitOffsets(reset.client, groupId, offsets);
  }
  return plan;
}

async function stateOf(client: KafkaClient, groupId: string): Promise<string> {
  try {
    return (await describeGroup(client, groupId)).state;
  } catch (error) {
    if (error instanceof KafkaError && error.error === Errors.GROUP_ID_NOT_FOUND) return 'Dead';
    throw error;
  }
}

/** An error that Java's tool throws directly, so that it is not wrapped in an ExecutionException. */
function plainFailure(name: string, message: string): CommandFailure {
  return new CommandFailure(message, `org.apache.kafka.common.errors.${name}: ${message}`);
}

/**
 * Returns the partitions that `--all-topics` or `--topic` selects. With `--from-file` it returns none, because the file names
 * them.
 */
async function scopeOf({ client, options }: Reset, groupId: string): Promise<TopicPartition[]> {
  if (options.has('all-topics')) {
    return [...(await committedOffsets(client, groupId)).values()].map(({ topic, partition }) => ({
      topic,
      partition,
    }));
  }
  if (options.has('topic')) {
    const { partitions, unknown } = await parseTopicPartitions(client, options.all('topic'));
    if (unknown.length > 0) {
      throw plainFailure('UnknownTopicOrPartitionException', Errors.UNKNOWN_TOPIC_OR_PARTITION.message);
    }
    await checkPartitions(client, partitions);
    return partitions;
  }
  if (options.has('from-file')) return [];
  throw new ToolError('One of the reset scopes should be defined: --all-topics, --topic.');
}

async function checkPartitions(client: KafkaClient, partitions: readonly TopicPartition[]): Promise<void> {
  const cluster = await client.metadata([...new Set(partitions.map(({ topic }) => topic))]);
  const known = (one: TopicPartition) =>
    cluster.topics.get(one.topic)?.partitions.find(({ index }) => index === one.partition);
  const names = (list: readonly TopicPartition[]): string => list.map(partitionKey).join(',');
  const missing = partitions.filter((one) => known(one) === undefined);
  if (missing.length > 0) {
    throw plainFailure('UnknownTopicOrPartitionException', `The partitions "${names(missing)}" do not exist`);
  }
  const leaderless = partitions.filter((one) => (known(one)?.leader ?? -1) < 0);
  if (leaderless.length > 0) {
    throw plainFailure('LeaderNotAvailableException', `The partitions "${names(leaderless)}" have no leader`);
  }
}

/** Returns the new offsets of `partitions`, computed as the options ask for. */
export async function planOf(
  reset: Reset,
  groupId: string,
  partitions: TopicPartition[],
): Promise<Planned[]> {
  const { client, options } = reset;
  if (options.has('to-offset')) {
    const offset = options.number('to-offset') ?? 0;
    return inRange(
      reset,
      partitions.map((one) => ({ ...one, offset })),
    );
  }
  if (options.has('to-earliest')) return atTime(client, partitions, earliest);
  if (options.has('to-latest')) return atTime(client, partitions, latest);
  if (options.has('shift-by')) return shifted(reset, groupId, partitions);
  if (options.has('to-datetime')) {
    return sinceTime(reset, partitions, parseDateTime(options.text('to-datetime') ?? ''));
  }
  if (options.has('by-duration')) {
    const durationMs = parseDuration(options.text('by-duration') ?? '');
    return sinceTime(reset, partitions, client.ports.clock.wallMs() - durationMs);
  }
  if (options.has('from-file')) return inRange(reset, readPlan(reset, groupId));
  if (options.has('to-current')) return current(client, groupId, partitions);
  const names = [...resetScenarios].sort().map((name) => `[${name}]`);
  throw new ToolError(
    `Option '[reset-offsets]' requires one of the following scenarios: [${names.join(', ')}]`,
  );
}

/**
 * Returns for each partition the offset of the first record with this timestamp or a later one; -1 when there is none.
 * `timestamp` may also be `earliest` or `latest`.
 */
export async function atTime(
  client: KafkaClient,
  partitions: readonly TopicPartition[],
  timestamp: number,
): Promise<Planned[]> {
  const offsets = await listOffsets(client, partitions, timestamp);
  return partitions.map((one) => {
    const offset = offsets.get(partitionKey(one)) ?? -1;
    if (offset instanceof KafkaError) throw offset;
    return { ...one, offset };
  });
}

/**
 * Returns for each partition the offset of the first record with this timestamp or a later one; the log end offset when there
 * is none.
 */
async function sinceTime(
  { client, io }: Reset,
  partitions: readonly TopicPartition[],
  timestamp: number,
): Promise<Planned[]> {
  const found = await atTime(client, partitions, timestamp);
  const without = found.filter(({ offset }) => offset < 0);
  for (const { topic, partition } of without) {
    io.stdout(
      `\nWarn: Partition ${partition} from topic ${topic} is empty. Falling back to latest known offset.\n`,
    );
  }
  return [...found.filter(({ offset }) => offset >= 0), ...(await atTime(client, without, latest))];
}

async function shifted(
  reset: Reset,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<Planned[]> {
  const committed = await committedOffsets(reset.client, groupId);
  const by = reset.options.number('shift-by') ?? 0;
  const wanted = partitions.map((one) => {
    const offset = committed.get(partitionKey(one))?.offset;
    if (offset === undefined) {
      throw new ToolError(
        `Cannot shift offset for partition ${partitionKey(one)} since there is no current committed offset`,
      );
    }
    return { ...one, offset: offset + by };
  });
  return inRange(reset, wanted);
}

async function current(
  client: KafkaClient,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<Planned[]> {
  const committed = await committedOffsets(client, groupId);
  const without = partitions.filter((one) => !committed.has(partitionKey(one)));
  const known = partitions.flatMap((one) => committed.get(partitionKey(one)) ?? []);
  const plan = known.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
  return [...plan, ...(await atTime(client, without, latest))];
}

/**
 * Replaces an offset before the log start offset by the log start offset, and one beyond the log end offset by the log end
 * offset.
 */
async function inRange({ client, io }: Reset, wanted: readonly Planned[]): Promise<Planned[]> {
  const [starts, ends] = [await atTime(client, wanted, earliest), await atTime(client, wanted, latest)];
  const warn = (relation: string, { topic, partition, offset }: Planned, value: number): void => {
    const time = new Date(client.ports.clock.wallMs()).toISOString().replace('T', ' ').replace('.', ',');
    io.stderr(
      `[${time.slice(0, -1)}] WARN New offset (${offset}) is ${relation} offset for topic partition ${topic}-${partition}. Value will be set to ${value} (org.apache.kafka.tools.OffsetsUtils)\n`,
    );
  };
  return wanted.map((one, at) => {
    const start = starts[at]?.offset ?? 0;
    const end = ends[at]?.offset ?? 0;
    if (one.offset > end) {
      warn('higher than latest', one, end);
      return { ...one, offset: end };
    }
    if (one.offset < start) {
      warn('lower than earliest', one, start);
      return { ...one, offset: start };
    }
    return one;
  });
}

/** Returns the offsets of this group from the file, whose lines are `[group,]topic,partition,offset`. */
function readPlan({ options, isOneGroup }: Reset, groupId: string): Planned[] {
  const file = options.text('from-file') ?? '';
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    const exception = `java.io.IOException: Unable to read file ${file}`;
    throw new CommandFailure(exception, `java.lang.RuntimeException: ${exception}`);
  }
  const rows = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1')));
  const plan: Planned[] = [];
  for (const row of rows) {
    const [topic, partition, offset] = isOneGroup ? row : row.slice(1);
    if (!isOneGroup && row[0] !== groupId) continue;
    if (!/^\d+$/.test(partition ?? '') || !/^-?\d+$/.test(offset ?? '')) {
      throw new ToolError(`The line "${row.join(',')}" of ${file} is not a topic, partition and offset`);
    }
    plan.push({ topic: topic ?? '', partition: Number(partition), offset: Number(offset) });
  }
  return plan;
}

/**
 * Returns the text of a CSV cell. Quotes are needed around separators; Java's writer also quotes every text of more than 24
 * characters.
 */
function csvCell(text: string): string {
  return text.length > 24 || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function printCsv({ io, isOneGroup }: Reset, plans: ReadonlyMap<string, readonly Planned[]>): void {
  let text = '';
  for (const [groupId, plan] of plans) {
    for (const { topic, partition, offset } of plan) {
      text += `${isOneGroup ? '' : `${csvCell(groupId)},`}${csvCell(topic)},${partition},${offset}\n`;
    }
  }
  io.stdout(`${text}\n`);
}

function printTable(io: CliIo, plans: ReadonlyMap<string, readonly Planned[]>): void {
  const topics = [...plans.values()].flatMap((plan) => plan.map(({ topic }) => topic));
  const widths = [columnWidth(15, [...plans.keys()]), columnWidth(15, topics), 10, 0];
  const line = (cells: readonly (string | number)[]): void => io.stdout(`\n${formatRow(widths, cells)}`);
  line(['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET']);
  for (const [groupId, plan] of plans) {
    for (const { topic, partition, offset } of plan) line([groupId, topic, partition, offset]);
  }
  io.stdout('\n');
}
