/** `kafka-consumer-groups --describe`: prints tables of the offsets and lag of groups, of their members, or of their states. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { committedOffsets, type DescribedGroup, describeGroup } from '../cluster/group-requests.ts';
import { selectedGroups } from './kafka-consumer-groups-list.ts';
import {
  byTopic,
  comparePartitions,
  listOffsets,
  partitionKey,
  type TopicPartition,
} from '../cluster/list-offsets.ts';
import type { Options } from '../arguments/options.ts';
import { columnWidth, formatRow } from '../text/text-table.ts';
import type { CliIo } from '../tool.ts';

const none = '-';
const latest = -1;
const rebalancing = ['PreparingRebalance', 'CompletingRebalance', 'Assigning', 'Reconciling'];

interface OffsetRow extends TopicPartition {
  readonly leaderEpoch: string;
  readonly current: string;
  readonly end: string;
  readonly lag: string;
  readonly memberId: string;
  readonly host: string;
  readonly clientId: string;
}

export async function describeGroups(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const groups: DescribedGroup[] = [];
  for (const groupId of [...(await selectedGroups(client, options))].sort()) {
    groups.push(await describeGroup(client, groupId));
  }
  const isVerbose = options.has('verbose');
  if (options.has('members')) {
    for (const group of groups) if (printStateNotice(group, 1, io)) printMembers(group, isVerbose, io);
  } else if (options.has('state')) {
    for (const group of groups) if (printStateNotice(group, 1, io)) printState(group, isVerbose, io);
  } else {
    const rows = await Promise.all(groups.map((group) => offsetRows(client, group)));
    groups.forEach((group, at) => {
      const own = rows[at] as OffsetRow[];
      if (printStateNotice(group, own.length, io)) printOffsets(group, own, isVerbose, io);
    });
  }
}

/** Prints a notice about the state of the group. Returns whether a table should follow. */
function printStateNotice({ groupId, state }: DescribedGroup, rowsCount: number, io: CliIo): boolean {
  if (state === 'Dead') io.stdout(`\nError: Consumer group '${groupId}' does not exist.\n`);
  else if (state === 'Empty') io.stderr(`\nConsumer group '${groupId}' has no active members.\n`);
  else if (rebalancing.includes(state)) {
    io.stderr(`\nWarning: Consumer group '${groupId}' is rebalancing.\n`);
  }
  return state !== 'Dead' && rowsCount > 0;
}

async function offsetRows(client: KafkaClient, group: DescribedGroup): Promise<OffsetRow[]> {
  const committed = await committedOffsets(client, group.groupId);
  const owned = group.members.flatMap((member) => member.assignment.map((one) => ({ one, member })));
  const ownedKeys = new Set(owned.map(({ one }) => partitionKey(one)));
  const free = [...committed.values()].filter((one) => !ownedKeys.has(partitionKey(one)));
  const all = [...owned, ...free.map((one) => ({ one, member: null }))].sort((left, right) =>
    comparePartitions(left.one, right.one),
  );
  const ends = await listOffsets(
    client,
    all.map(({ one }) => one),
    latest,
    30_000,
  );
  return all.map(({ one, member }) => {
    const known = committed.get(partitionKey(one));
    const end = ends.get(partitionKey(one));
    const hasEnd = end !== undefined && !(end instanceof KafkaError) && end >= 0;
    return {
      topic: one.topic,
      partition: one.partition,
      leaderEpoch: known === undefined || known.leaderEpoch < 0 ? none : String(known.leaderEpoch),
      current: known === undefined ? none : String(known.offset),
      end: hasEnd ? String(end) : none,
      lag: hasEnd && known !== undefined ? String(end - known.offset) : none,
      memberId: member?.memberId ?? none,
      host: member?.host ?? none,
      clientId: member?.clientId ?? none,
    };
  });
}

function printOffsets(
  { groupId }: DescribedGroup,
  rows: readonly OffsetRow[],
  isVerbose: boolean,
  io: CliIo,
): void {
  const widths = [
    columnWidth(15, [groupId]),
    columnWidth(
      15,
      rows.map(({ topic }) => topic),
    ),
    10,
    ...(isVerbose ? [15] : []),
    15,
    15,
    15,
    columnWidth(
      15,
      rows.map(({ memberId }) => memberId),
    ),
    columnWidth(
      15,
      rows.map(({ host }) => host),
    ),
    0,
  ];
  const line = (cells: readonly (string | number)[]): void => io.stdout(`\n${formatRow(widths, cells)}`);
  const epoch = (text: string): string[] => (isVerbose ? [text] : []);
  line([
    ...['GROUP', 'TOPIC', 'PARTITION', ...epoch('LEADER-EPOCH'), 'CURRENT-OFFSET'],
    ...['LOG-END-OFFSET', 'LAG', 'CONSUMER-ID', 'HOST', 'CLIENT-ID'],
  ]);
  for (const row of rows) {
    line([
      ...[groupId, row.topic, row.partition, ...epoch(row.leaderEpoch), row.current],
      ...[row.end, row.lag, row.memberId, row.host, row.clientId],
    ]);
  }
  io.stdout('\n');
}

/** Formats partitions by topic: `topic:0,1;other:2`. */
function assignmentText(partitions: readonly TopicPartition[] | null): string {
  if (partitions === null || partitions.length === 0) return none;
  return byTopic([...partitions].sort(comparePartitions))
    .map(({ name, list }) => `${name}:${list.map(({ partition }) => partition).join(',')}`)
    .join(';');
}

function printMembers(group: DescribedGroup, isVerbose: boolean, io: CliIo): void {
  const members = group.members;
  const hasInstances = members.some(({ instanceId }) => (instanceId ?? '') !== '');
  const instance = (text: string | null): string[] => (hasInstances ? [text ?? ''] : []);
  const assigned = members.map(({ assignment }) => assignmentText(assignment));
  const targets = members.map(({ target }) => assignmentText(target));
  const widths = [
    columnWidth(15, [group.groupId]),
    columnWidth(
      15,
      members.map(({ memberId }) => memberId),
    ),
    ...(hasInstances
      ? [
          columnWidth(
            17,
            members.map(({ instanceId }) => instanceId ?? ''),
          ),
        ]
      : []),
    columnWidth(
      15,
      members.map(({ host }) => host),
    ),
    columnWidth(
      15,
      members.map(({ clientId }) => clientId),
    ),
    15,
    ...(isVerbose ? [15, columnWidth(20, assigned), 15, columnWidth(20, targets)] : []),
  ];
  // In the table without --verbose each row ends in a blank, as in Kafka.
  const line = (cells: readonly (string | number)[]): void =>
    io.stdout(`\n${formatRow(widths, cells)}${isVerbose ? '' : ' '}`);
  const more = (cells: readonly (string | number)[]): readonly (string | number)[] =>
    isVerbose ? cells : [];
  line([
    ...['GROUP', 'CONSUMER-ID', ...instance('GROUP-INSTANCE-ID'), 'HOST', 'CLIENT-ID', '#PARTITIONS'],
    ...more(['CURRENT-EPOCH', 'CURRENT-ASSIGNMENT', 'TARGET-EPOCH', 'TARGET-ASSIGNMENT']),
  ]);
  members.forEach((member, at) => {
    const targetEpoch = member.target === null ? none : (group.targetEpoch ?? none);
    line([
      ...[group.groupId, member.memberId, ...instance(member.instanceId), member.host, member.clientId],
      member.assignment.length,
      ...more([member.epoch ?? none, assigned[at] ?? none, targetEpoch, targets[at] ?? none]),
    ]);
  });
  io.stdout('\n');
}

function printState(group: DescribedGroup, isVerbose: boolean, io: CliIo): void {
  const widths = [columnWidth(15, [group.groupId]), columnWidth(25, [group.coordinator]), 20, 20];
  if (isVerbose) widths.push(15, 25);
  const more = (cells: readonly (string | number)[]): readonly (string | number)[] =>
    isVerbose ? cells : [];
  const assignor = group.assignor === '' ? none : group.assignor;
  const line = (cells: readonly (string | number)[]): void => io.stdout(`\n${formatRow(widths, cells)}`);
  line([
    ...['GROUP', 'COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE'],
    ...more(['GROUP-EPOCH', 'TARGET-ASSIGNMENT-EPOCH']),
    '#MEMBERS',
  ]);
  line([
    ...[group.groupId, group.coordinator, assignor, group.state],
    ...more([group.epoch ?? none, group.targetEpoch ?? none]),
    group.members.length,
  ]);
  io.stdout('\n');
}
