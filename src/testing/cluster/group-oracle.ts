/**
 * Checks one group by its committed records in `__consumer_offsets`: it reads them in order and checks every change (I31 to
 * I35). It handles classic and consumer groups and the conversions between them. It shares no code with the coordinator except
 * the formats of records.
 *
 * A member puts its member id into the metadata of each commit, so the log shows which member committed.
 */
import type { Change } from '../../group/consumer/changes.ts';
import type { CurrentAssignment, EpochedPartitions } from '../../group/consumer/member.ts';
import { leaveStaticEpoch } from '../../group/consumer/member.ts';
import { readChange } from '../../group/consumer/records.ts';
import { type ReadRecord, readRecord } from '../../group/records.ts';
import { decode } from '../../protocol/codec/codec.ts';
import { ConsumerProtocolAssignment } from '../../protocol/messages/stored/group-records.ts';
import { versionedBodyAt, versionOf } from '../../protocol/records/versioned.ts';
import { judgeAssignment } from './group-balance.ts';
import type { Verdict } from './verdict.ts';

/** Partitions, as `topic-index`. */
export type Names = ReadonlySet<string>;

export interface GroupOracleOptions {
  readonly groupId: string;
  readonly verdict: Verdict;
  /** The name of a topic by its id. */
  readonly topicName: (topicId: string) => string | undefined;
  /** All partitions of the subscribed topics; every member subscribes to all of them. */
  readonly subscribed: Names;
}

interface Standing {
  readonly epoch: number;
  readonly held: Names;
}

type OffsetRecord = Extract<ReadRecord, { type: 'offset' }>;
type ClassicValue = NonNullable<Extract<ReadRecord, { type: 'group' }>['value']>;

const none: Names = new Set();
const noEpoch = -1;

export class GroupOracle {
  /** How many target assignments were checked. */
  assignments = 0;
  commits = 0;
  readonly #options: GroupOracleOptions;
  readonly #members = new Map<string, Standing>();
  /** Members of the consumer group. A member with an empty target has no target record. */
  readonly #memberIds = new Set<string>();
  readonly #targets = new Map<string, Names>();
  /** The target assignment before the change that is being read; null: none. */
  #targetsBefore: ReadonlyMap<string, Names> | null = null;
  readonly #committed = new Map<string, number>();
  /** Group epoch of a consumer group, or generation of a classic one. */
  #epoch = noEpoch;
  #targetEpoch = noEpoch;

  constructor(options: GroupOracleOptions) {
    this.#options = options;
  }

  /** The next record of the group's partition. Records of other groups are ignored. */
  take(record: { readonly key: Uint8Array; readonly value: Uint8Array | null }): void {
    const read = readRecord(record);
    if (read.type === 'unknown') {
      const found = readChange(record);
      if (found?.groupId === this.#options.groupId) this.#change(found.change);
    } else if (read.group === this.#options.groupId) {
      if (read.type === 'offset') this.#commit(read);
      else this.#classic(read.value);
    }
  }

  #report(invariant: string, text: string): void {
    this.#options.verdict.report(invariant, `group ${this.#options.groupId}: ${text}`);
  }

  #change(change: Change): void {
    if (change.type === 'target') {
      this.#targetsBefore ??= new Map(this.#targets);
      this.#setTarget(change.memberId, change.value === null ? null : this.#names(change.value));
      return;
    }
    if (change.type === 'targetEpoch' && change.value !== null)
      this.#assigned(change.value.epoch, change.value.timestampMs);
    this.#targetsBefore = null;
    if (change.type === 'member') {
      if (change.value === null) this.#memberIds.delete(change.memberId);
      else this.#memberIds.add(change.memberId);
    } else if (change.type === 'groupEpoch') {
      if (change.value === null) this.#end();
      else this.#grow(change.value.epoch);
    } else if (change.type === 'current') this.#stand(change.memberId, change.value);
  }

  #setTarget(memberId: string, target: Names | null): void {
    if (target === null) this.#targets.delete(memberId);
    else this.#targets.set(memberId, target);
  }

  /** Called when the group is deleted or converted to the other kind: its epochs begin again. */
  #end(): void {
    this.#epoch = noEpoch;
    this.#targetEpoch = noEpoch;
  }

  #grow(epoch: number): void {
    if (epoch < this.#epoch)
      this.#report('I32 epochs of groups only grow', `epoch ${epoch} after ${this.#epoch}`);
    this.#epoch = epoch;
  }

  /** Checks a target assignment that is complete now. Without a timestamp it comes from a classic group that was converted. */
  #assigned(epoch: number, timestampMs: number): void {
    if (epoch < this.#targetEpoch || epoch > this.#epoch)
      this.#report(
        'I32 epochs of groups only grow',
        `target epoch ${epoch} after ${this.#targetEpoch}, of group epoch ${this.#epoch}`,
      );
    this.#targetEpoch = epoch;
    const before = this.#targetsBefore;
    if (timestampMs === 0 || before === null) return;
    this.assignments++;
    const after = new Map(
      [...this.#memberIds].map((memberId) => [memberId, this.#targets.get(memberId) ?? none]),
    );
    const flaw = judgeAssignment({
      before,
      after,
      subscribed: this.#options.subscribed,
    });
    if (flaw !== null) this.#report('I35 assignments are balanced and sticky', `epoch ${epoch}: ${flaw}`);
  }

  #stand(memberId: string, value: CurrentAssignment | null): void {
    const before = this.#members.get(memberId);
    if (value === null) {
      this.#members.delete(memberId);
      return;
    }
    const { memberEpoch: epoch } = value;
    const isAway = epoch === leaveStaticEpoch;
    if (epoch > this.#targetEpoch || (!isAway && epoch < (before?.epoch ?? 0)))
      this.#report(
        'I32 epochs of groups only grow',
        `member ${memberId} at epoch ${epoch} after ${before?.epoch ?? 'none'}, of target epoch ${this.#targetEpoch}`,
      );
    const held = new Set([...this.#names(value.assigned), ...this.#names(value.pendingRevocation)]);
    this.#members.set(memberId, { epoch, held });
    this.#checkOwners(memberId, held);
  }

  #checkOwners(memberId: string, held: Names): void {
    for (const [other, standing] of this.#members) {
      if (other === memberId) continue;
      for (const name of held)
        if (standing.held.has(name))
          this.#report('I31 one owner a partition', `${name} belongs to ${other} and to ${memberId}`);
    }
  }

  /** Takes the record of a classic group, which has all members. */
  #classic(value: ClassicValue | null): void {
    this.#targetsBefore = null;
    this.#members.clear();
    if (value === null) return this.#end();
    this.#grow(value.generation);
    for (const { memberId, assignment } of value.members) {
      const held = assignment.length === 0 ? none : namesOf(assignment);
      this.#members.set(memberId, { epoch: value.generation, held });
      this.#checkOwners(memberId, held);
    }
  }

  #commit({ topic, partition, value }: OffsetRecord): void {
    if (value === null) return;
    const name = `${topic}-${partition}`;
    const { offset, metadata: memberId } = value;
    this.commits++;
    const before = this.#committed.get(name) ?? 0;
    if (offset < before)
      this.#report(
        'I33 offsets never go back',
        `${memberId} committed ${offset} for ${name} after ${before}`,
      );
    this.#committed.set(name, offset);
    if (this.#members.get(memberId)?.held.has(name) === true) return;
    this.#report(
      'I34 a zombie commits nothing',
      `${memberId} committed ${offset} for ${name} without owning it`,
    );
  }

  #names(partitions: EpochedPartitions | ReadonlyMap<string, readonly number[]>): Set<string> {
    const names = new Set<string>();
    for (const [topicId, list] of partitions) {
      const topic = this.#options.topicName(topicId) ?? topicId;
      for (const partition of indexes(list)) names.add(`${topic}-${partition}`);
    }
    return names;
  }
}

function indexes(list: readonly number[] | ReadonlyMap<number, number>): Iterable<number> {
  return list instanceof Map ? list.keys() : (list as readonly number[]);
}

function namesOf(assignment: Uint8Array): Names {
  const version = Math.min(versionOf(assignment), 3);
  const { assignedPartitions } = decode(ConsumerProtocolAssignment, version, assignment, versionedBodyAt);
  return new Set(
    assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((index) => `${topic}-${index}`)),
  );
}
