/** The tombstones that remove a consumer group from the log, in the order in which Kafka writes them. */
import type { GroupRecord } from '../types.ts';
import type { Change } from './changes.ts';
import { recordOf } from './records.ts';
import type { ConsumerGroup } from '../group-turn.ts';

export function tombstones(group: ConsumerGroup): GroupRecord[] {
  const changes: Change[] = [];
  for (const memberId of group.members.keys()) changes.push({ type: 'current', memberId, value: null });
  for (const memberId of group.targets.keys()) changes.push({ type: 'target', memberId, value: null });
  changes.push({ type: 'targetEpoch', value: null });
  for (const memberId of group.members.keys()) changes.push({ type: 'member', memberId, value: null });
  // Kafka before 4.1 wrote records of this type; this broker writes none. The log may hold one of a group that Kafka created.
  changes.push({ type: 'partitionMetadata', value: null });
  for (const regex of group.regexes.keys()) changes.push({ type: 'regex', regex, value: null });
  changes.push({ type: 'groupEpoch', value: null });
  return changes.map((change) => recordOf(group.groupId, change));
}
