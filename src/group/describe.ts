/** The responses to DescribeGroups (15) and ListGroups (16) from the state of a shard, which they do not change. */
import { Errors } from '../protocol/errors.ts';
import { metadataOf, noBytes } from './classic/group.ts';
import type { Group, Shard } from './group-turn.ts';
import type { DescribedGroup, ListedGroup } from './types.ts';

const notFoundSince = 6;

export function describeGroup(shard: Shard, groupId: string, apiVersion: number): DescribedGroup {
  const group = shard.groups.get(groupId);
  if (group?.kind !== 'classic') {
    const why = group === undefined ? 'not found' : 'is not a classic group';
    return unknownGroup(groupId, apiVersion, `Group ${groupId} ${why}.`);
  }
  const stable = group.state === 'Stable';
  return {
    errorCode: Errors.NONE.code,
    errorMessage: null,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: stable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? metadataOf(member, group.protocolName ?? '') : noBytes,
      memberAssignment: member.assignment,
    })),
  };
}

/**
 * The response for a group that does not exist or is of another type: the group is "Dead". Before v6 the response has no error
 * for this.
 */
function unknownGroup(groupId: string, apiVersion: number, message: string): DescribedGroup {
  const found = apiVersion < notFoundSince;
  return {
    errorCode: found ? Errors.NONE.code : Errors.GROUP_ID_NOT_FOUND.code,
    errorMessage: found ? null : message,
    groupId,
    groupState: 'Dead',
    protocolType: '',
    protocolData: '',
    members: [],
  };
}

/** An empty list of states or types matches every group. Names in the lists are not case-sensitive. */
export function listGroups(
  groups: Iterable<Group>,
  states: readonly string[],
  types: readonly string[],
): ListedGroup[] {
  const wantedStates = new Set(states.map((state) => state.toLowerCase()));
  const wantedTypes = new Set(types.map((type) => type.toLowerCase()));
  const listed: ListedGroup[] = [];
  for (const group of groups) {
    if (wantedTypes.size > 0 && !wantedTypes.has(group.kind)) continue;
    if (wantedStates.size > 0 && !wantedStates.has(group.state.toLowerCase())) continue;
    listed.push({
      groupId: group.groupId,
      protocolType: group.protocolType ?? '',
      groupState: group.state,
      groupType: group.kind,
    });
  }
  return listed;
}
