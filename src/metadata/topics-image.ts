/**
 * Topics and partitions. One change of a partition copies the topic's list of partitions and the map bucket of the topic; unchanged
 * partitions and arrays keep their identity.
 */
import type { NodeId } from '../base/ids.ts';
import { PersistentMap } from '../base/persistent-map.ts';
import type { Uuid } from '../base/uuid.ts';

export const noLeader = -1;

/**
 * `leaderRecoveryState`: `recovering` for a partition whose leader was elected from outside of ISR and ELR and must still recover
 * its log.
 */
export const recovered = 0;
export const recovering = 1;

/** Invariant: leader ∈ isr ⊆ replicas, or leader is -1; elr ∩ isr is empty; both epochs never decrease. */
export interface PartitionImage {
  readonly topicId: Uuid;
  readonly index: number;
  /** In order of preference: the first is the preferred leader. */
  readonly replicas: readonly NodeId[];
  /** The log directory of each replica; `uuidUnassignedDirectory` when the broker has not reported one yet. */
  readonly directories: readonly Uuid[];
  readonly isr: readonly NodeId[];
  readonly removingReplicas: readonly NodeId[];
  readonly addingReplicas: readonly NodeId[];
  /** Eligible leader replicas (KIP-966): they left the ISR when it was below min.insync.replicas, and have all committed records. */
  readonly elr: readonly NodeId[];
  /** The last leader, kept while there is none. */
  readonly lastKnownElr: readonly NodeId[];
  readonly leader: NodeId | typeof noLeader;
  readonly leaderRecoveryState: number;
  /** Increases with every election, also when the leader stays the same. */
  readonly leaderEpoch: number;
  /** Increases with every change. */
  readonly partitionEpoch: number;
}

/** Whether both lists have the same elements in the same order. */
export function sameList(a: readonly (number | string)[], b: readonly (number | string)[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export interface TopicImage {
  readonly name: string;
  readonly id: Uuid;
  /** Invariant: partitions[i].index === i. */
  readonly partitions: readonly PartitionImage[];
}

/** The broker has not reported the log directory of the replica. */
export const uuidUnassignedDirectory: Uuid = 'AAAAAAAAAAAAAAAAAAAAAQ';
/** The log directory of the replica was lost. */
export const uuidLostDirectory: Uuid = 'AAAAAAAAAAAAAAAAAAAAAg';

export class TopicsImage {
  readonly #byId: PersistentMap<Uuid, TopicImage>;
  readonly #idByName: PersistentMap<string, Uuid>;

  constructor(byId: PersistentMap<Uuid, TopicImage>, idByName: PersistentMap<string, Uuid>) {
    this.#byId = byId;
    this.#idByName = idByName;
  }

  static empty(): TopicsImage {
    return new TopicsImage(PersistentMap.empty(), PersistentMap.empty());
  }

  get size(): number {
    return this.#byId.size;
  }

  byId(id: Uuid): TopicImage | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): TopicImage | undefined {
    const id = this.#idByName.get(name);
    return id === undefined ? undefined : this.#byId.get(id);
  }

  partition(topicId: Uuid, index: number): PartitionImage | undefined {
    return this.#byId.get(topicId)?.partitions[index];
  }

  /** All names, sorted. */
  names(): string[] {
    return [...this.#idByName.keys()].sort();
  }

  /** In undefined order. */
  all(): IterableIterator<TopicImage> {
    return this.#byId.values();
  }

  /** A version with `changes`; null removes the topic. */
  update(changes: ReadonlyMap<Uuid, TopicImage | null>): TopicsImage {
    const names = new Map<string, Uuid | null>();
    for (const [id, topic] of changes) {
      const before = this.#byId.get(id);
      // A topic with the same name that was created in the same delta must keep its name.
      if (
        topic === null &&
        before !== undefined &&
        this.#idByName.get(before.name) === id &&
        !names.has(before.name)
      ) {
        names.set(before.name, null);
      }
      if (topic !== null && before === undefined) names.set(topic.name, id);
    }
    return new TopicsImage(this.#byId.update(changes), this.#idByName.update(names));
  }
}
