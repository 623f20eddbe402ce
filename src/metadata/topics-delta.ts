/**
 * Collects the changes that records make to topics and partitions, and applies them to a `TopicsImage`. The partition list of a
 * topic is copied once, at the first change of the topic.
 */
import { sameElements } from '../base/collections.ts';
import { assert, defined } from '../base/assert.ts';
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import type { RecordOf } from './records.ts';
import {
  type FormerMember,
  type noLeader,
  type PartitionImage,
  type TopicImage,
  type TopicsImage,
} from './topics-image.ts';

interface TopicDraft {
  readonly name: string;
  readonly id: Uuid;
  readonly partitions: PartitionImage[];
  readonly changed: Set<number>;
}

const noIds: readonly NodeId[] = [];
const noMembers: readonly FormerMember[] = [];
const noPartitions: ReadonlySet<number> = new Set();
/** `leader` of a PartitionChangeRecord that does not change the leader. */
const leaderUnchanged = -2;

export class TopicsDelta {
  readonly #base: TopicsImage;
  readonly #drafts = new Map<Uuid, TopicDraft>();
  readonly #removed = new Set<Uuid>();
  /**
   * The lists of this delta by their hash, so that partitions with equal lists share one. A topic with thousands of partitions
   * has few different lists.
   */
  readonly #lists = new Map<number, (readonly (number | string)[])[]>();

  constructor(base: TopicsImage) {
    this.#base = base;
  }

  get isEmpty(): boolean {
    return this.#drafts.size === 0 && this.#removed.size === 0;
  }

  changedIds(): Set<Uuid> {
    return new Set(this.#drafts.keys());
  }

  removedIds(): Set<Uuid> {
    return new Set(this.#removed);
  }

  changedPartitions(topicId: Uuid): ReadonlySet<number> {
    return this.#drafts.get(topicId)?.changed ?? noPartitions;
  }

  /**
   * The name of a topic of this delta or of the base image, also when this delta removes it; undefined: there is no such topic.
   */
  nameOf(topicId: Uuid): string | undefined {
    return this.#drafts.get(topicId)?.name ?? this.#base.byId(topicId)?.name;
  }

  replayTopic(record: RecordOf<'TopicRecord'>): void {
    assert(this.nameOf(record.topicId) === undefined, `topic id ${record.topicId} is taken`);
    this.#drafts.set(record.topicId, {
      name: record.name,
      id: record.topicId,
      partitions: [],
      changed: new Set(),
    });
  }

  replayPartition(record: RecordOf<'PartitionRecord'>): void {
    const draft = this.#draft(record.topicId);
    const index = record.partitionId;
    assert(index <= draft.partitions.length, `partition ${draft.name}-${index} leaves a gap`);
    draft.partitions[index] = {
      topicId: draft.id,
      index,
      replicas: this.#list(record.replicas, noIds),
      directories: this.#shared(record.directories),
      isr: this.#list(record.isr, noIds),
      removingReplicas: this.#list(record.removingReplicas, noIds),
      addingReplicas: this.#list(record.addingReplicas, noIds),
      elr: this.#list(record.eligibleLeaderReplicas, noIds),
      lastKnownElr: this.#list(record.lastKnownElr, noIds),
      formerIsr: members(record.formerIsr, noMembers),
      leader: record.leader as NodeId | typeof noLeader,
      leaderRecoveryState: record.leaderRecoveryState,
      leaderEpoch: record.leaderEpoch,
      partitionEpoch: record.partitionEpoch,
    };
    draft.changed.add(index);
  }

  replayPartitionChange(record: RecordOf<'PartitionChangeRecord'>): void {
    const draft = this.#draft(record.topicId);
    const before = defined(
      draft.partitions[record.partitionId],
      `partition ${draft.name}-${record.partitionId}`,
    );
    draft.partitions[record.partitionId] = this.#changed(before, record);
    draft.changed.add(record.partitionId);
  }

  replayRemoveTopic(record: RecordOf<'RemoveTopicRecord'>): void {
    const inBase = this.#base.byId(record.topicId) !== undefined;
    const drafted = this.#drafts.delete(record.topicId);
    assert(inBase || drafted, `there is no topic ${record.topicId}`);
    if (inBase) this.#removed.add(record.topicId);
  }

  replayClearElr(record: RecordOf<'ClearElrRecord'>): void {
    const ids = record.topicName === '' ? this.#allIds() : [this.#idOf(record.topicName)];
    for (const id of ids) {
      const partitions = this.#drafts.get(id)?.partitions ?? this.#base.byId(id)?.partitions ?? [];
      if (!partitions.some((p) => p.elr.length > 0 || p.lastKnownElr.length > 0)) continue;
      const draft = this.#draft(id);
      draft.partitions.forEach((p, i) => {
        if (p.elr.length === 0 && p.lastKnownElr.length === 0) return;
        draft.partitions[i] = { ...p, elr: noIds, lastKnownElr: noIds, partitionEpoch: p.partitionEpoch + 1 };
        draft.changed.add(i);
      });
    }
  }

  apply(): TopicsImage {
    if (this.isEmpty) return this.#base;
    const changes = new Map<Uuid, TopicImage | null>();
    for (const id of this.#removed) changes.set(id, null);
    for (const draft of this.#drafts.values()) {
      changes.set(draft.id, { name: draft.name, id: draft.id, partitions: draft.partitions });
    }
    return this.#base.update(changes);
  }

  /**
   * The partition after the change. A record with a leader (or with `noLeader`) begins a new leader epoch, even when the leader
   * stays the same.
   */
  #changed(before: PartitionImage, record: RecordOf<'PartitionChangeRecord'>): PartitionImage {
    const replicas = this.#list(record.replicas, before.replicas);
    return {
      topicId: before.topicId,
      index: before.index,
      replicas,
      directories: record.directories === null ? before.directories : this.#shared(record.directories),
      isr: same(this.#list(record.isr, before.isr), replicas),
      removingReplicas: this.#list(record.removingReplicas, before.removingReplicas),
      addingReplicas: this.#list(record.addingReplicas, before.addingReplicas),
      elr: this.#list(record.eligibleLeaderReplicas, before.elr),
      lastKnownElr: this.#list(record.lastKnownElr, before.lastKnownElr),
      formerIsr: members(record.formerIsr, before.formerIsr),
      leader: record.leader === leaderUnchanged ? before.leader : (record.leader as NodeId | typeof noLeader),
      leaderRecoveryState:
        record.leaderRecoveryState < 0 ? before.leaderRecoveryState : record.leaderRecoveryState,
      leaderEpoch: before.leaderEpoch + (record.leader === leaderUnchanged ? 0 : 1),
      partitionEpoch: before.partitionEpoch + 1,
    };
  }

  /** The list of a record; `before` when the record does not have the field. Empty lists are always the same object. */
  #list(ids: readonly number[] | null, before: readonly NodeId[]): readonly NodeId[] {
    if (ids === null) return before;
    return ids.length === 0 ? noIds : this.#shared(ids as readonly NodeId[]);
  }

  /** An equal list of this delta if there is one, otherwise `list`. */
  #shared<T extends number | string>(list: readonly T[]): readonly T[] {
    const hash = hashOf(list);
    const alike = this.#lists.get(hash);
    if (alike === undefined) {
      this.#lists.set(hash, [list]);
      return list;
    }
    for (const known of alike) if (sameElements(known, list)) return known as readonly T[];
    alike.push(list);
    return list;
  }

  #draft(topicId: Uuid): TopicDraft {
    const known = this.#drafts.get(topicId);
    if (known !== undefined) return known;
    assert(!this.#removed.has(topicId), `topic ${topicId} was removed`);
    const base = defined(this.#base.byId(topicId), `topic ${topicId}`);
    const draft = {
      name: base.name,
      id: base.id,
      partitions: [...base.partitions],
      changed: new Set<number>(),
    };
    this.#drafts.set(topicId, draft);
    return draft;
  }

  #idOf(name: string): Uuid {
    for (const draft of this.#drafts.values()) if (draft.name === name) return draft.id;
    return defined(this.#base.byName(name), `topic ${name}`).id;
  }

  #allIds(): Uuid[] {
    const ids = new Set(this.#drafts.keys());
    for (const topic of this.#base.all()) if (!this.#removed.has(topic.id)) ids.add(topic.id);
    return [...ids];
  }
}

/** As `#list`, for members of `formerIsr`. */
function members(
  list: RecordOf<'PartitionRecord'>['formerIsr'],
  before: readonly FormerMember[],
): readonly FormerMember[] {
  if (list === null) return before;
  return list.length === 0 ? noMembers : (list as readonly FormerMember[]);
}

/**
 * Returns `model` when both lists are equal, so that an ISR with all replicas, the usual case, is the same object as
 * `replicas`.
 */
function same(ids: readonly NodeId[], model: readonly NodeId[]): readonly NodeId[] {
  return sameElements(ids, model) ? model : ids;
}

function hashOf(list: readonly (number | string)[]): number {
  let hash = list.length;
  for (const element of list) {
    hash = Math.imul(hash ^ (typeof element === 'number' ? element : tailOf(element)), 0x01000193);
  }
  return hash;
}

/** A number from three characters at the end of an id. The last character is not used, because it has only four values. */
function tailOf(id: string): number {
  const last = id.length - 1;
  return (id.charCodeAt(last - 1) << 14) ^ (id.charCodeAt(last - 2) << 7) ^ id.charCodeAt(last - 3);
}
