/**
 * The requests of kafka-consumer-groups. To list groups, all brokers are asked; everything else is asked of the group's
 * coordinator.
 */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { retry } from '../../client/retry.ts';
import { decode } from '../../protocol/codec/codec.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  OffsetCommitRequest,
  OffsetCommitResponse,
} from '../../protocol/messages/groups/08-offset-commit.ts';
import { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/messages/groups/09-offset-fetch.ts';
import {
  DescribeGroupsRequest,
  DescribeGroupsResponse,
} from '../../protocol/messages/groups/15-describe-groups.ts';
import { ListGroupsRequest, ListGroupsResponse } from '../../protocol/messages/groups/16-list-groups.ts';
import {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../protocol/messages/groups/42-delete-groups.ts';
import {
  OffsetDeleteRequest,
  OffsetDeleteResponse,
} from '../../protocol/messages/groups/47-offset-delete.ts';
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '../../protocol/messages/groups/69-consumer-group-describe.ts';
import { ConsumerProtocolAssignment } from '../../protocol/messages/stored/group-records.ts';
import type { Infer } from '../../protocol/schema/fields.ts';
import { byTopic, partitionKey, type TopicPartition } from './list-offsets.ts';

const timeoutMs = 60_000;
/** The highest version in which these requests name topics. From version 10 on they have topic ids instead. */
const offsetsByName = { versionMax: 9 };

export interface GroupListing {
  readonly groupId: string;
  /** The type as the tools print it, for example `Consumer`. */
  readonly type: string;
  readonly state: string;
  readonly protocolType: string;
}

export interface DescribedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  readonly assignment: readonly TopicPartition[];
  /** Null for a group of the classic protocol, as is `target`. */
  readonly epoch: number | null;
  readonly target: readonly TopicPartition[] | null;
}

export interface DescribedGroup {
  readonly groupId: string;
  readonly state: string;
  readonly assignor: string;
  readonly coordinator: string;
  readonly members: readonly DescribedMember[];
  /** Null for a group of the classic protocol, as is `targetEpoch`. */
  readonly epoch: number | null;
  readonly targetEpoch: number | null;
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** Returns the consumer groups of all brokers that have one of the given states and types. An empty list does not filter. */
export async function listGroups(
  client: KafkaClient,
  states: readonly string[] = [],
  types: readonly string[] = [],
): Promise<GroupListing[]> {
  const groups = await listAllGroups(client, states, types.length > 0 ? types : ['Classic', 'Consumer']);
  return groups.filter(({ protocolType }) => protocolType === '' || protocolType === 'consumer');
}

/** Returns the groups of all brokers, including those that are not consumer groups. An empty list does not filter. */
export async function listAllGroups(
  client: KafkaClient,
  states: readonly string[],
  types: readonly string[],
): Promise<GroupListing[]> {
  const cluster = await retry(client.ports, timeoutMs, () => client.metadata([]));
  const answers = await Promise.all(
    [...cluster.brokers.keys()].map((id) =>
      retry(client.ports, timeoutMs, async () => {
        const connection = await client.broker(id);
        const version = connection.versionOf(ListGroupsRequest);
        const init = {
          statesFilter: version >= 4 ? [...states] : [],
          typesFilter: version >= 5 ? [...types] : [],
        };
        const answer = await connection.request(ListGroupsRequest, ListGroupsResponse, init, { version });
        if (answer.errorCode !== 0) throw new KafkaError(errorOf(answer.errorCode));
        return answer.groups;
      }),
    ),
  );
  return answers.flat().map(({ groupId, groupState, groupType, protocolType }) => ({
    groupId,
    protocolType,
    state: groupState,
    type: groupType === '' ? 'Classic' : `${groupType.charAt(0).toUpperCase()}${groupType.slice(1)}`,
  }));
}

/**
 * Calls `ask` with the id of the group's coordinator. Finds the coordinator and calls `ask` again while the coordinator moves
 * to another broker.
 */
export function atCoordinator<T>(
  client: KafkaClient,
  groupId: string,
  ask: (nodeId: number) => Promise<T>,
): Promise<T> {
  return retry(client.ports, timeoutMs, async () => ask(await client.coordinator(groupId)));
}

function check(errorCode: number, message?: string | null): void {
  if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), message ?? undefined);
}

/** Describes a group of the consumer or the classic protocol. Throws GROUP_ID_NOT_FOUND when there is no such group. */
export function describeGroup(client: KafkaClient, groupId: string): Promise<DescribedGroup> {
  return atCoordinator(client, groupId, async (nodeId) => {
    const { brokers } = await client.metadata([]);
    const node = brokers.get(nodeId);
    const coordinator = `${node?.host ?? ''}:${node?.port ?? -1}  (${nodeId})`;
    try {
      return await describeNew(client, nodeId, groupId, coordinator);
    } catch (error) {
      const row = error instanceof KafkaError ? error.error : null;
      if (row !== Errors.GROUP_ID_NOT_FOUND && row !== Errors.UNSUPPORTED_VERSION) throw error;
    }
    return describeClassic(client, nodeId, groupId, coordinator);
  });
}

async function describeNew(
  client: KafkaClient,
  nodeId: number,
  groupId: string,
  coordinator: string,
): Promise<DescribedGroup> {
  const answer = await client.requestTo(nodeId, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, {
    groupIds: [groupId],
    includeAuthorizedOperations: false,
  });
  const [group] = answer.groups;
  if (group === undefined) throw new KafkaError(Errors.GROUP_ID_NOT_FOUND);
  check(group.errorCode, group.errorMessage);
  return {
    groupId,
    coordinator,
    state: group.groupState,
    assignor: group.assignorName,
    epoch: group.groupEpoch,
    targetEpoch: group.assignmentEpoch,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      host: member.clientHost,
      assignment: partitionsOf(member.assignment.topicPartitions),
      epoch: member.memberEpoch,
      target: partitionsOf(member.targetAssignment.topicPartitions),
    })),
  };
}

function partitionsOf(
  topics: readonly { topicName: string; partitions: readonly number[] }[],
): TopicPartition[] {
  return topics.flatMap(({ topicName, partitions }) =>
    partitions.map((partition) => ({ topic: topicName, partition })),
  );
}

async function describeClassic(
  client: KafkaClient,
  nodeId: number,
  groupId: string,
  coordinator: string,
): Promise<DescribedGroup> {
  const answer = await client.requestTo(nodeId, DescribeGroupsRequest, DescribeGroupsResponse, {
    groups: [groupId],
    includeAuthorizedOperations: false,
  });
  const [group] = answer.groups;
  if (group === undefined) throw new KafkaError(Errors.GROUP_ID_NOT_FOUND);
  check(group.errorCode, group.errorMessage);
  return {
    groupId,
    coordinator,
    state: group.groupState,
    assignor: group.protocolData,
    epoch: null,
    targetEpoch: null,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      host: member.clientHost,
      assignment: assignmentOf(member.memberAssignment),
      epoch: null,
      target: null,
    })),
  };
}

/** Decodes the assignment of a member of a classic group. The group's leader, a client, has encoded it. */
function assignmentOf(bytes: Uint8Array): TopicPartition[] {
  if (bytes.length < 2) return [];
  const version = ((bytes[0] as number) << 8) | (bytes[1] as number);
  const known = Math.min(version, ConsumerProtocolAssignment.versions.max);
  const { assignedPartitions } = decode(ConsumerProtocolAssignment, known, bytes, 2);
  return assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}

/** Returns the offsets that a group has committed, by `partitionKey`. */
export function committedOffsets(
  client: KafkaClient,
  groupId: string,
): Promise<Map<string, CommittedOffset>> {
  return atCoordinator(client, groupId, async (nodeId) => {
    const connection = await client.broker(nodeId);
    const version = connection.versionOf(OffsetFetchRequest, offsetsByName.versionMax);
    const isOfMany = version >= 8;
    const init = isOfMany ? { groups: [{ groupId, topics: null }] } : { groupId, topics: null };
    const answer = await connection.request(OffsetFetchRequest, OffsetFetchResponse, init, { version });
    const found = isOfMany ? answer.groups[0] : answer;
    check(found?.errorCode ?? 0);
    const offsets = new Map<string, CommittedOffset>();
    for (const { name, partitions } of found?.topics ?? []) {
      for (const { partitionIndex, committedOffset, committedLeaderEpoch, errorCode } of partitions) {
        check(errorCode);
        if (committedOffset < 0) continue;
        const one = { topic: name, partition: partitionIndex };
        offsets.set(partitionKey(one), {
          ...one,
          offset: committedOffset,
          leaderEpoch: committedLeaderEpoch,
        });
      }
    }
    return offsets;
  });
}

/** Commits offsets for a group that has no members. */
export function commitOffsets(
  client: KafkaClient,
  groupId: string,
  offsets: readonly CommittedOffset[],
): Promise<void> {
  return atCoordinator(client, groupId, async (nodeId) => {
    const connection = await client.broker(nodeId);
    const topics = byTopic(offsets).map(({ name, list }) => ({
      name,
      partitions: list.map(({ partition, offset, leaderEpoch }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch,
        committedMetadata: '',
      })),
    }));
    const init = { groupId, memberId: '', topics };
    const answer = await connection.request(OffsetCommitRequest, OffsetCommitResponse, init, offsetsByName);
    for (const { partitions } of answer.topics) for (const { errorCode } of partitions) check(errorCode);
  });
}

/** Deletes a group. Returns the error when that fails, otherwise null. */
export async function deleteGroup(client: KafkaClient, groupId: string): Promise<KafkaError | null> {
  try {
    await atCoordinator(client, groupId, async (nodeId) => {
      const answer = await client.requestTo(nodeId, DeleteGroupsRequest, DeleteGroupsResponse, {
        groupsNames: [groupId],
      });
      check(answer.results[0]?.errorCode ?? 0);
    });
    return null;
  } catch (error) {
    if (error instanceof KafkaError) return error;
    throw error;
  }
}

/**
 * Deletes committed offsets of a group. Returns an error for the whole group (or null), and the errors of single partitions.
 */
export function deleteOffsets(
  client: KafkaClient,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<{ error: KafkaError | null; failed: Map<string, KafkaError> }> {
  return atCoordinator(client, groupId, async (nodeId) => {
    const answer: Infer<typeof OffsetDeleteResponse> = await client.requestTo(
      nodeId,
      OffsetDeleteRequest,
      OffsetDeleteResponse,
      {
        groupId,
        topics: byTopic(partitions).map(({ name, list }) => ({
          name,
          partitions: list.map(({ partition }) => ({ partitionIndex: partition })),
        })),
      },
    );
    const row = errorOf(answer.errorCode);
    if (row.retriable) throw new KafkaError(row);
    const failed = new Map<string, KafkaError>();
    for (const topic of answer.topics) {
      for (const { partitionIndex, errorCode } of topic.partitions) {
        if (errorCode !== 0) {
          failed.set(`${topic.name}-${partitionIndex}`, new KafkaError(errorOf(errorCode)));
        }
      }
    }
    return { error: answer.errorCode === 0 ? null : new KafkaError(row), failed };
  });
}
