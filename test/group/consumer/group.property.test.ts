/**
 * Random consumer groups. Members of both protocols join, send heartbeats, commit, give up partitions late, leave, stop
 * sending, and return, so that groups change their type. Topics grow, are deleted and are created again. Groups are deleted.
 * Responses are lost. Writes are late, fail or time out. Coordinators fail over. GROUP_SEED=n runs one seed, GROUP_RUNS=n runs
 * that many.
 *
 * After every step: a partition has at most one holder; a member holds every partition that it believes to own; committed
 * offsets never decrease. At the end all faults stop; then the group becomes stable, and the partitions are assigned evenly.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defined } from '../../../src/base/assert.ts';
import type { ConsumerHeartbeatResponse } from '../../../src/group/consumer/requests.ts';
import { fetchOffsets } from '../../../src/group/offsets.ts';
import type { OffsetCommitResponse } from '../../../src/group/types.ts';
import { Errors, errorOf } from '../../../src/protocol/errors.ts';
import { durable, replayed, seededRandom } from '../harness.ts';
import { ClassicClient } from './classic-client.ts';
import { ConsumerWorld, Member, settle } from './harness.ts';

interface Client {
  member: Member;
  beat: number | null;
  /** Partition → the next offset that the member will commit. */
  readonly positions: Map<string, number>;
  commit: { token: number; partition: string } | null;
  joined: boolean;
}

const names = ['t', 'u', 'v'];

class Run {
  readonly world: ConsumerWorld;
  readonly random;
  readonly clients: Client[] = [];
  readonly classic: ClassicClient[] = [];
  /** Partition → the highest committed offset that was acknowledged. */
  readonly acknowledged = new Map<string, number>();
  readonly commits = new Map<number, { partition: string; offset: number }>();
  readonly hasClassic: boolean;
  /** Tokens of the DeleteGroups requests in flight. */
  deletions: number[] = [];
  incarnations = 0;
  nextId = 1;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.world = new ConsumerWorld({}, { t: 5, u: 3 }, seed);
    this.world.autoWrite = false;
    this.hasClassic = seed % 2 === 0;
  }

  pick(bound: number): number {
    return this.random.u32() % bound;
  }

  step(): void {
    const roll = this.pick(200);
    const client = this.clients[this.pick(Math.max(1, this.clients.length))];
    if (roll < 12 && this.clients.length < 6) this.newClient();
    else if (roll < 26 && this.hasClassic) this.actClassic();
    else if (roll < 70) this.settleWrites();
    else if (roll < 90) this.world.advance(this.pick(3_000));
    else if (roll < 92) this.world.advance(this.pick(50_000));
    else if (roll < 94) this.failOver();
    else if (roll < 97) this.changeTopics();
    else if (roll === 97) this.deletions.push(this.deleteGroup());
    else if (client !== undefined) this.act(client, roll);
    this.poll();
    this.check();
  }

  /** One step of a classic client: it starts, sends a request, or stops sending. */
  actClassic(): void {
    const { classic, world } = this;
    const roll = this.pick(20);
    if (roll < 3 && classic.length < 3) classic.push(new ClassicClient(world, ['t', 'u']));
    else if (roll === 3) classic.splice(this.pick(classic.length + 1), 1);
    else for (const client of classic) client.act();
  }

  newClient(): void {
    const instanceId = this.pick(4) === 0 ? `i${this.pick(2)}` : null;
    const topics = names.filter(() => this.pick(3) > 0);
    const how = this.pick(5) === 0 ? { subscribedTopicNames: null, subscribedTopicRegex: '[tu]' } : {};
    const member = new Member(this.world, `m${this.nextId++}`, topics, { instanceId, ...how });
    const client: Client = { member, beat: null, positions: new Map(), commit: null, joined: false };
    this.clients.push(client);
    this.join(client);
  }

  /** The member gives up all partitions without telling the coordinator, and joins as a new member. */
  join(client: Client): void {
    const { member } = client;
    client.positions.clear();
    client.joined = false;
    client.commit = null;
    member.owned = new Map();
    member.epoch = 0;
    const subscribes = { subscribedTopicNames: member.topics, ...member.rest };
    client.beat = this.world.beat(
      member.request({ rebalanceTimeoutMs: 10_000, topicPartitions: [], ...subscribes }),
    );
  }

  act(client: Client, roll: number): void {
    const { member } = client;
    if (!client.joined) {
      if (client.beat === null) this.join(client);
    } else if (roll < 165) {
      if (client.beat === null) client.beat = this.world.beat(member.request());
    } else if (roll < 185) this.commit(client);
    else if (roll < 190)
      client.beat = null; // The answer gets lost.
    else if (roll < 194) this.leave(client, -1);
    else if (roll < 197 && member.rest.instanceId != null) this.leave(client, -2);
    else if (roll < 198) this.clients.splice(this.clients.indexOf(client), 1);
  }

  leave(client: Client, epoch: number): void {
    const { member } = client;
    this.world.beat({
      memberId: member.memberId,
      memberEpoch: epoch,
      instanceId: member.rest.instanceId ?? null,
    });
    member.owned = new Map();
    this.clients.splice(this.clients.indexOf(client), 1);
  }

  commit(client: Client): void {
    if (client.commit !== null || client.member.owned.size === 0) return;
    const [partition, position] = [...client.positions][this.pick(client.positions.size)] ?? [];
    if (partition === undefined || position === undefined) return;
    const offset = position + 1 + this.pick(5);
    client.positions.set(partition, offset);
    const [topicId, index] = partition.split(' ') as [string, string];
    const token = this.world.commit(offset, {
      memberId: client.member.memberId,
      groupInstanceId: client.member.rest.instanceId ?? null,
      generationIdOrMemberEpoch: client.member.epoch,
      topics: [
        {
          name: topicId,
          topicId,
          partitions: [
            {
              partitionIndex: Number(index),
              committedOffset: offset,
              committedLeaderEpoch: 0,
              committedMetadata: '',
            },
          ],
        },
      ],
    });
    this.commits.set(token, { partition, offset });
    client.commit = { token, partition };
  }

  settleWrites(): void {
    const { world } = this;
    for (let i = this.pick(3); i >= 0 && world.writes.length > 0; i--) {
      const roll = this.pick(40);
      if (roll === 0) world.failed(Errors.NOT_ENOUGH_REPLICAS);
      else if (roll === 1) {
        const writeId = defined(world.writes[0]).id;
        world.step({ type: 'timedOut', writeId, error: Errors.COORDINATOR_NOT_AVAILABLE });
      } else world.written();
    }
  }

  failOver(): void {
    const { world } = this;
    for (const write of world.writes.splice(0, this.pick(world.writes.length + 1)))
      world.log.push(...write.records);
    world.writes.length = 0;
    world.step({ type: 'resign', error: Errors.NOT_COORDINATOR });
    this.poll();
    world.failOver();
  }

  deleteGroup(): number {
    return this.world.send((token) => ({ type: 'deleteGroup', token, groupId: 'g' }));
  }

  changeTopics(): void {
    const { world } = this;
    const name = defined(names[this.pick(names.length)]);
    const topic = world.image.topics.byName(name);
    if (topic === undefined) world.createTopic(name, 1 + this.pick(4), ++this.incarnations % 10);
    else if (this.pick(2) === 0) world.growTopic(name, topic.partitions.length + 1);
    else world.deleteTopic(name);
  }

  poll(): void {
    this.deletions = this.deletions.filter((token) => {
      const answer = this.world.response<{ errorCode: number }>(token);
      // The group was deleted with its offsets. If the response came before the records were written, they may still be
      // written.
      const isRefused =
        answer?.errorCode === Errors.NON_EMPTY_GROUP.code ||
        answer?.errorCode === Errors.GROUP_ID_NOT_FOUND.code;
      if (answer !== undefined && !isRefused) this.acknowledged.clear();
      return answer === undefined;
    });
    for (const client of this.classic) client.poll();
    for (const client of this.clients) {
      const response =
        client.beat === null ? undefined : this.world.response<ConsumerHeartbeatResponse>(client.beat);
      if (response !== undefined) this.answered(client, response);
      if (client.commit !== null && this.world.response(client.commit.token) !== undefined)
        client.commit = null;
    }
    for (const [token, { partition, offset }] of this.commits) {
      const code = this.world.response<OffsetCommitResponse>(token)?.topics[0]?.partitions[0]?.errorCode;
      if (code === undefined) continue;
      this.commits.delete(token);
      if (code !== 0) continue;
      this.acknowledged.set(partition, Math.max(offset, this.acknowledged.get(partition) ?? 0));
    }
  }

  answered(client: Client, response: ConsumerHeartbeatResponse): void {
    client.beat = null;
    const { member } = client;
    const error = errorOf(response.errorCode);
    if (error === Errors.NONE) {
      // The member revokes partitions only when its commit in flight has a response.
      if (response.assignment !== null && client.commit !== null && this.wouldLose(client, response)) return;
      member.take(response);
      client.joined = true;
      this.follow(client);
      return;
    }
    const retries: readonly string[] = [
      'COORDINATOR_NOT_AVAILABLE',
      'NOT_COORDINATOR',
      'NOT_ENOUGH_REPLICAS',
    ];
    if (!retries.includes(error.name)) {
      member.owned = new Map();
      client.joined = false;
      client.positions.clear();
    }
  }

  wouldLose(client: Client, response: ConsumerHeartbeatResponse): boolean {
    const [topicId, index] = defined(client.commit).partition.split(' ');
    const partitions = response.assignment?.topicPartitions.find(
      (one) => one.topicId === topicId,
    )?.partitions;
    return !(partitions ?? []).includes(Number(index));
  }

  /**
   * Follows a new assignment: reading a new partition starts at its committed offset; partitions that are gone are forgotten.
   */
  follow({ member, positions }: Client): void {
    const owned = new Set<string>();
    for (const [topicId, partitions] of member.owned)
      for (const one of partitions) owned.add(`${topicId} ${one}`);
    for (const partition of [...positions.keys()]) if (!owned.has(partition)) positions.delete(partition);
    for (const partition of owned) {
      if (!positions.has(partition)) positions.set(partition, this.committed(partition));
    }
  }

  committed(partition: string): number {
    const [topicId, index] = partition.split(' ') as [string, string];
    const topics = [{ name: topicId, topicId, partitionIndexes: [Number(index)] }];
    return defined(fetchOffsets(this.world.shard, { groupId: 'g', topics }).topics[0]?.partitions[0])
      .committedOffset;
  }

  check(): void {
    const group = this.world.shard.groups.get('g');
    if (group?.kind === 'consumer') {
      for (const { memberId, owned, generation } of this.classic) {
        if (group.members.get(memberId)?.current.memberEpoch !== generation) continue;
        for (const [topicId, partitions] of owned) {
          if (this.world.image.topics.byId(topicId) === undefined) continue;
          for (const partition of partitions) {
            expect(group.holderOf(topicId, partition), `${memberId} owns ${topicId}-${partition}`).toBe(
              memberId,
            );
          }
        }
      }
      for (const { member } of this.clients) {
        if (!group.members.has(member.memberId)) continue;
        for (const [topicId, partitions] of member.owned) {
          for (const partition of partitions) {
            expect(
              group.holderOf(topicId, partition),
              `${member.memberId} owns ${topicId}-${partition}`,
            ).toBe(member.memberId);
          }
        }
      }
    }
    for (const [partition, offset] of this.acknowledged) {
      // When a topic is deleted its offsets are deleted too. Here offsets are kept under the id of their topic.
      expect(this.committed(partition)).toBeGreaterThanOrEqual(offset);
    }
  }

  /** When no write is in flight, replaying the log must give the same state. */
  checkReplay(): void {
    const { world } = this;
    if (world.writes.length > 0) return;
    expect(durable(replayed(world.log, world.config, seededRandom(1), world.now))).toEqual(
      durable(world.shard),
    );
  }

  /** Ends all faults, and checks that the group becomes stable. */
  finish(): void {
    const { world } = this;
    while (world.writes.length > 0) world.written();
    this.poll();
    world.autoWrite = true;
    for (const client of this.clients) {
      client.commit = null;
      client.beat = null;
    }
    // Members that no client stands for any more are removed when their session expires.
    world.advance(46_000);
    const members = this.clients.map((client) => {
      const { instanceId } = client.member.rest;
      const id = instanceId == null ? client.member.memberId : `${client.member.memberId}-again`;
      return new Member(world, id, client.member.topics, { ...client.member.rest, instanceId: null });
    });
    for (const member of members) member.join();
    if (members.length === 0) return;
    settle(members, 30);
    world.advance(11_000);
    settle(members, 30);
    const group = world.consumerGroup();
    console.log(
      group.epoch,
      group.targetEpoch,
      [...group.members.values()].map((m) => [
        m.memberId,
        m.metadata,
        m.current,
        [...group.targetOf(m.memberId)],
        group.timers.get(m.memberId),
      ]),
      world.nowMs,
      members.map((m) => m.memberId + ' ' + m.epoch + m.shown),
    );
    expect(group.state).toBe('Stable');
    let assigned = 0;
    for (const { owned } of members) for (const partitions of owned.values()) assigned += partitions.length;
    let wanted = 0;
    for (const name of group.subscribedTopics())
      wanted += world.image.topics.byName(name)?.partitions.length ?? 0;
    expect(assigned).toBe(wanted);
  }
}

function run(seed: number, steps: number): void {
  const one = new Run(seed);
  for (let i = 0; i < steps; i++) {
    one.step();
    if (i % 20 === 0) one.checkReplay();
  }
  one.finish();
}

test('random histories of consumer groups keep all invariants', { timeout: 180_000 }, () => {
  const times = Number(process.env['GROUP_RUNS'] ?? 40);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0x7fff_ffff }), (seed) => run(seed, 400)),
    { numRuns: times, endOnFailure: true },
  );
});

test.runIf(process.env['GROUP_SEED'])(
  'the history of GROUP_SEED keeps all invariants',
  { timeout: 60_000 },
  () => {
    run(Number(process.env['GROUP_SEED']), 400);
  },
);
