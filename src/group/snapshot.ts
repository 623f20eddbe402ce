/** The whole state of a shard as records: what replaying them into an empty shard gives is what was last replicated. */
import type { ClassicGroup } from './classic/group.ts';
import { groupKey, offsetRecord } from './records.ts';
import type { GroupRecord } from './types.ts';

export function* groupSnapshot(group: ClassicGroup): Generator<GroupRecord> {
  if (group.persisted !== null) yield { key: groupKey(group.groupId), value: group.persisted };
  for (const [topic, partitions] of group.offsets) {
    for (const [partition, value] of partitions) yield offsetRecord(group.groupId, topic, partition, value);
  }
}
