/** The tombstones that delete a consumer group from the log, in Kafka's order. */
import type { GroupRecord } from '../types.ts';
import type { Change } from './changes.ts';
import { recordOf } from './records.ts';
import type { ConsumerGroup } from '../turn.ts';

export function tombstones(group: ConsumerGroup): GroupRecord[] {
  const changes: Change[] = [];
  for (const memberId of group.members.keys()) changes.push({ type: 'current', memberId, value: null });
  for (const memberId of group.targets.keys()) changes.push({ type: 'target', memberId, value: null });
  changes.push({ type: 'targetEpoch', value: null });
  for (const memberId of group.members.keys()) changes.push({ type: 'member', memberId, value: null });
  // This release writes no record of this type, but Kafka before 4.1 did.
  changes.push({ type: 'partitionMetadata', value: null });
  for (const regex of group.regexes.keys()) changes.push({ type: 'regex', regex, value: null });
  changes.push({ type: 'groupEpoch', value: null });
  return changes.map((change) => recordOf(group.groupId, change));
}
