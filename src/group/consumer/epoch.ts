/** The group epoch: it increases when members or their subscriptions change, which makes a new target assignment necessary. */
import type { ConsumerGroup, Turn } from '../turn.ts';
import { note } from '../turn.ts';
import type { Batch } from './batch.ts';
import { change } from './batch.ts';
import { metadataHash } from './metadata-hash.ts';

/** The epoch of a group without records, as in Kafka: its first members get the next one. */
const newGroupEpoch = 1;

export function bumpEpoch(turn: Turn, group: ConsumerGroup, batch: Batch): void {
  freshen(group, batch);
  const epoch = Math.max(group.epoch, newGroupEpoch) + 1;
  const hash = metadataHash(group.subscribedTopics(), turn.image.topics);
  change(batch, group, { type: 'groupEpoch', value: { epoch, metadataHash: hash } });
  note(turn, 'info', 'Bumped group epoch', { group: group.groupId, epoch, members: group.members.size });
}

/** After topics have changed: increments the epoch if the hash of the subscribed topics differs. */
export function bumpIfTopicsChanged(turn: Turn, group: ConsumerGroup, batch: Batch): void {
  if (!group.metadataStale) return;
  freshen(group, batch);
  if (metadataHash(group.subscribedTopics(), turn.image.topics) !== group.metadataHash)
    bumpEpoch(turn, group, batch);
}

function freshen(group: ConsumerGroup, batch: Batch): void {
  if (!group.metadataStale) return;
  group.metadataStale = false;
  batch.undo.push(() => {
    group.metadataStale = true;
  });
}
