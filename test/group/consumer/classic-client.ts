/** A client of the classic protocol with an eager range assignor, for random tests. It does only what these tests need. */
import { defined } from '../../../src/base/assert.ts';
import type { Uuid } from '../../../src/base/uuid.ts';
import type { JoinResponse, SyncResponse } from '../../../src/group/types.ts';
import { decode, encode } from '../../../src/protocol/codec/codec.ts';
import { errorOf } from '../../../src/protocol/errors.ts';
import { ConsumerProtocolAssignment } from '../../../src/protocol/messages/stored/group-records.ts';
import { encodeVersioned, versionedBodyAt } from '../../../src/protocol/records/versioned.ts';
import type { ConsumerWorld } from './harness.ts';
import { subscription } from './harness.ts';

export class ClassicClient {
  readonly world: ConsumerWorld;
  readonly topics: readonly string[];
  memberId = '';
  generation = -1;
  owned = new Map<Uuid, number[]>();
  #join: number | null = null;
  #sync: number | null = null;

  constructor(world: ConsumerWorld, topics: readonly string[]) {
    this.world = world;
    this.topics = topics;
  }

  /** Sends a JoinGroup or a heartbeat; nothing while a response is pending. */
  act(): void {
    this.poll();
    if (this.#join !== null || this.#sync !== null) return;
    if (this.generation < 0) return this.join();
    const { memberId, generation: generationId } = this;
    const token = this.world.send((t) => ({
      type: 'heartbeat',
      token: t,
      request: { groupId: 'g', generationId, memberId, groupInstanceId: null },
    }));
    const answer = this.world.response<{ errorCode: number }>(token);
    // A heartbeat whose response waits for a write counts as lost.
    if (answer !== undefined) this.#heard(errorOf(answer.errorCode).name);
  }

  /** An eager consumer gives up all partitions before it joins again. */
  join(): void {
    this.owned = new Map();
    this.generation = -1;
    this.#sync = null;
    this.#join = this.world.join({
      memberId: this.memberId,
      rebalanceTimeoutMs: 10_000,
      protocols: [{ name: 'range', metadata: subscription(this.topics) }],
    });
  }

  poll(): void {
    const joined = this.#join === null ? undefined : this.world.response<JoinResponse>(this.#join);
    if (joined !== undefined) {
      this.#join = null;
      this.#joined(joined);
    }
    const synced = this.#sync === null ? undefined : this.world.response<SyncResponse>(this.#sync);
    if (synced === undefined) return;
    this.#sync = null;
    if (synced.errorCode !== 0) return this.#heard(errorOf(synced.errorCode).name);
    this.owned = this.#read(synced.assignment);
  }

  #heard(error: string): void {
    if (error === 'NONE') return;
    if (error === 'UNKNOWN_MEMBER_ID' || error === 'ILLEGAL_GENERATION') this.memberId = '';
    this.owned = new Map();
    this.generation = -1;
  }

  #joined(answer: JoinResponse): void {
    const error = errorOf(answer.errorCode).name;
    if (error === 'MEMBER_ID_REQUIRED') this.memberId = answer.memberId;
    if (error !== 'NONE') {
      if (error === 'UNKNOWN_MEMBER_ID') this.memberId = '';
      return;
    }
    this.memberId = answer.memberId;
    this.generation = answer.generationId;
    this.#sync = this.world.send((token) => ({
      type: 'sync',
      token,
      request: {
        groupId: 'g',
        generationId: answer.generationId,
        memberId: this.memberId,
        groupInstanceId: null,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: answer.members.map(({ memberId }, at) => ({
          memberId,
          assignment: this.#share(at, answer.members.length),
        })),
      },
    }));
  }

  /** The assignment that the leader computes: it distributes all partitions of all topics. */
  #share(at: number, count: number): Uint8Array {
    const assignedPartitions = this.topics.flatMap((topic) => {
      const partitions = this.world.image.topics.byName(topic)?.partitions ?? [];
      const mine = partitions.map(({ index }) => index).filter((index) => index % count === at);
      return mine.length === 0 ? [] : [{ topic, partitions: mine }];
    });
    return encodeVersioned(1, encode(ConsumerProtocolAssignment, 1, { assignedPartitions }));
  }

  #read(assignment: Uint8Array): Map<Uuid, number[]> {
    const owned = new Map<Uuid, number[]>();
    if (assignment.length === 0) return owned;
    const { assignedPartitions } = decode(ConsumerProtocolAssignment, 1, assignment, versionedBodyAt);
    for (const { topic, partitions } of assignedPartitions) {
      const id = this.world.image.topics.byName(defined(topic))?.id;
      if (id !== undefined) owned.set(id, [...partitions]);
    }
    return owned;
  }
}
