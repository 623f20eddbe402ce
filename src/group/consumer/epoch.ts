/**
 * The group epoch. It increases when members, their subscriptions or the subscribed topics change, and then a new target
 * assignment is needed.
 */
import type { ConsumerGroup, Turn } from '../group-turn.ts';
import { note } from '../group-turn.ts';
import type { Batch } from './request-batch.ts';
import { change } from './request-batch.ts';
import { metadataHash } from './metadata-hash.ts';

/** As in Kafka, a group without records counts as having this epoch, so its first members get the next one. */
const newGroupEpoch = 1;

export function bumpEpoch(turn: Turn, group: ConsumerGroup, batch: Batch): void {
  freshen(group, batch);
  const epoch = Math.max(group.epoch, newGroupEpoch) + 1;
  const hash = metadataHash(group.subscribedTopics(), turn.image.topics);
  change(batch, group, { type: 'groupEpoch', value: { epoch, metadataHash: hash } });
  note(turn, 'info', 'Bumped group epoch', { group: group.groupId, epoch, members: group.members.size });
}

/** Called after topics have changed: increments the group epoch if the hash of the subscribed topics is another one. */
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
