/**
 * Topics and partitions. A change of one partition copies the list of partitions of its topic, and a small part of the map of
 * topics (`PersistentMap`). Partitions and lists that did not change stay the same objects.
 */
import type { NodeId } from '../base/ids.ts';
import { PersistentMap } from '../base/persistent-map.ts';
import type { Uuid } from '../base/uuid.ts';

export const noLeader = -1;

/**
 * Values of `leaderRecoveryState`. `recovering`: the leader was elected from outside of ISR and ELR, and has still to recover
 * its log.
 */
export const recovered = 0;
export const recovering = 1;

/** A replica that was in sync, or that has lost records. */
export interface FormerMember {
  readonly brokerId: NodeId;
  /**
   * The replica was in sync until this leader epoch ended, so it has every record that was committed in this epoch or before.
   * When `hasLostRecords`: the latest leader epoch in its log.
   */
  readonly leaderEpoch: number;
  /** Its broker has reported that records are missing in its log. It may not lead while another replica has them. */
  readonly hasLostRecords: boolean;
}

/**
 * Invariants: the leader is in the ISR, or -1; the ISR is a part of the replicas; no replica is in both ELR and ISR; both
 * epochs never decrease.
 */
export interface PartitionImage {
  readonly topicId: Uuid;
  readonly index: number;
  /** In order of preference: the first is the preferred leader. */
  readonly replicas: readonly NodeId[];
  /**
   * The log directory of each replica, in the order of `replicas`; `uuidUnassignedDirectory` when the broker has not reported
   * it yet.
   */
  readonly directories: readonly Uuid[];
  readonly isr: readonly NodeId[];
  readonly removingReplicas: readonly NodeId[];
  readonly addingReplicas: readonly NodeId[];
  /**
   * Eligible leader replicas (KIP-966): replicas that left the ISR, which then had fewer members than min.insync.replicas.
   * While the ISR is that small, no records are committed. So these replicas have all committed records and may become leader.
   */
  readonly elr: readonly NodeId[];
  /** The last leader, remembered while the partition has no leader. */
  readonly lastKnownElr: readonly NodeId[];
  /**
   * Replicas that were in sync until a leader epoch ended, or that have lost records. They are outside of ISR and ELR, in no
   * particular order. When the cluster does not use ELR, the last member of the ISR may be here too: it has lost records and
   * the partition has no leader.
   */
  readonly formerIsr: readonly FormerMember[];
  readonly leader: NodeId | typeof noLeader;
  readonly leaderRecoveryState: number;
  /** Increases with every change that names a leader: an election, also of the same replica, or a replica that is removed. */
  readonly leaderEpoch: number;
  /** Increases with every change of the partition. */
  readonly partitionEpoch: number;
}

export function sameMembers(a: readonly FormerMember[], b: readonly FormerMember[]): boolean {
  if (a === b) return true;
  return (
    a.length === b.length &&
    a.every((member, at) => {
      const other = b[at] as FormerMember;
      return (
        member.brokerId === other.brokerId &&
        member.leaderEpoch === other.leaderEpoch &&
        member.hasLostRecords === other.hasLostRecords
      );
    })
  );
}

export interface TopicImage {
  readonly name: string;
  readonly id: Uuid;
  /** Invariant: partitions[i].index === i. */
  readonly partitions: readonly PartitionImage[];
}

/** Stands for a log directory that the broker has not reported yet. */
export const uuidUnassignedDirectory: Uuid = 'AAAAAAAAAAAAAAAAAAAAAQ';
/** Stands for a log directory that was lost. */
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

  /** A new image with `changes`; null removes a topic. */
  update(changes: ReadonlyMap<Uuid, TopicImage | null>): TopicsImage {
    const names = new Map<string, Uuid | null>();
    for (const [id, topic] of changes) {
      const before = this.#byId.get(id);
      // A topic of the same name may have been created in the same delta. Then the name belongs to the new topic and must stay.
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
