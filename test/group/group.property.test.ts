/**
 * Random classic groups. Members join, sync, send heartbeats, commit, leave and stop sending. Writes are late, fail or time
 * out. Coordinators fail over. The invariants are checked after every step.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uuidZero } from '../../src/base/uuid.ts';
import { fetchOffsets } from '../../src/group/offsets.ts';
import type { JoinResponse, OffsetCommitResponse, SyncResponse } from '../../src/group/types.ts';
import { Errors } from '../../src/protocol/errors.ts';
import { durable, replayed, seededRandom, text, World } from './harness.ts';

interface Client {
  memberId: string;
  generation: number;
  instance: string | null;
  join: number | null;
  sync: number | null;
  alive: boolean;
}

const partitionCount = 6;

function generationOf({ shard }: World): number {
  const group = shard.groups.get('g');
  return group?.kind === 'classic' ? group.generation : 0;
}

class Run {
  readonly world: World;
  readonly random;
  readonly clients: Client[] = [];
  /** Generation → partition → the member that owns it. */
  readonly owners = new Map<number, Map<number, string>>();
  readonly acknowledged = new Map<number, number>();
  readonly commits = new Map<number, { partition: number; offset: number }>();
  generationSeen = 0;
  nextOffset = 1;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.world = new World({ initialRebalanceDelayMs: (seed % 3) * 1_000 }, seed);
    this.world.autoWrite = false;
  }

  pick(bound: number): number {
    return this.random.u32() % bound;
  }

  step(): void {
    const roll = this.pick(100);
    const client = this.clients[this.pick(Math.max(1, this.clients.length))];
    if (roll < 8 && this.clients.length < 8) this.newClient();
    else if (roll < 30) this.settleWrites();
    else if (roll < 40) this.world.advance(this.pick(4_000));
    else if (roll < 42) this.world.advance(this.pick(30_000));
    else if (roll < 43) this.failOver();
    else if (client?.alive) this.act(client, roll);
    this.poll();
  }

  newClient(): void {
    const instance = this.pick(3) === 0 ? `i${this.pick(3)}` : null;
    const client: Client = { memberId: '', generation: -1, instance, join: null, sync: null, alive: true };
    this.clients.push(client);
    this.join(client);
  }

  join(client: Client): void {
    const { memberId, instance: groupInstanceId } = client;
    const metadata = Uint8Array.of(this.pick(2));
    client.sync = null;
    const protocols = [{ name: 'range', metadata }];
    client.join = this.world.join({ memberId, groupInstanceId, protocols, rebalanceTimeoutMs: 15_000 });
  }

  act(client: Client, roll: number): void {
    if (roll < 45) client.alive = false;
    else if (roll < 50 && client.memberId !== '') {
      this.world.leave({ memberId: client.memberId, groupInstanceId: client.instance });
      client.alive = false;
    } else if (roll < 55) this.join(client);
    else if (client.join !== null || client.generation < 0) return;
    else if (roll < 80) {
      const answer = this.world.heartbeat(client.memberId, client.generation, client.instance);
      if (answer !== 'NONE') this.rejoin(client, answer);
    } else this.commit(client);
  }

  rejoin(client: Client, error: string): void {
    if (error === 'FENCED_INSTANCE_ID') client.alive = false;
    else {
      if (error === 'UNKNOWN_MEMBER_ID') Object.assign(client, { memberId: '', generation: -1 });
      this.join(client);
    }
  }

  commit(client: Client): void {
    const partition = this.pick(partitionCount);
    const offset = this.nextOffset++;
    const token = this.world.commit(offset, {
      partition,
      memberId: client.memberId,
      generationIdOrMemberEpoch: client.generation,
      groupInstanceId: client.instance,
    });
    this.commits.set(token, { partition, offset });
  }

  /** Decides the outcome of the writes in the order of the log. A refused write was never in the log. */
  settleWrites(): void {
    const write = this.world.writes[0];
    if (write === undefined) return;
    if (this.pick(10) === 0) return this.world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    if (this.pick(10) === 0)
      this.world.step({ type: 'timedOut', writeId: write.id, error: Errors.COORDINATOR_NOT_AVAILABLE });
    this.world.written();
  }

  /** Another broker becomes the coordinator. Writes that were appended but not acknowledged may be in its log or not. */
  failOver(): void {
    for (const write of this.world.writes.splice(0, this.pick(this.world.writes.length + 1)))
      this.world.log.push(...write.records);
    this.world.writes.length = 0;
    this.world.step({ type: 'resign', error: Errors.NOT_COORDINATOR });
    this.poll();
    this.world.failOver();
    // If a generation was never stored, the next coordinator may use its number again.
    this.generationSeen = generationOf(this.world);
    for (const generation of this.owners.keys())
      if (generation > this.generationSeen) this.owners.delete(generation);
  }

  poll(): void {
    for (const client of this.clients) {
      if (client.join !== null) this.pollJoin(client, client.join);
      if (client.sync !== null) this.pollSync(client, client.sync);
    }
    for (const [token, commit] of this.commits) {
      const answer = this.world.response<OffsetCommitResponse>(token);
      if (answer === undefined) continue;
      this.commits.delete(token);
      if (answer.topics[0]?.partitions[0]?.errorCode === 0)
        this.acknowledged.set(commit.partition, commit.offset);
    }
    this.check();
  }

  pollJoin(client: Client, token: number): void {
    const answer = this.world.response<JoinResponse>(token);
    if (answer === undefined) return;
    client.join = null;
    if (answer.errorCode === Errors.MEMBER_ID_REQUIRED.code) {
      client.memberId = answer.memberId;
      return this.join(client);
    }
    if (answer.errorCode === Errors.UNKNOWN_MEMBER_ID.code) {
      client.memberId = '';
      return;
    }
    if (answer.errorCode === Errors.FENCED_INSTANCE_ID.code) client.alive = false;
    if (answer.errorCode !== 0) return;
    client.memberId = answer.memberId;
    client.generation = answer.generationId;
    const plan: Record<string, string> = {};
    if (answer.leader === client.memberId && !answer.skipAssignment)
      for (let p = 0; p < partitionCount; p++) {
        const owner = answer.members[p % answer.members.length]?.memberId ?? '';
        plan[owner] = `${plan[owner] ?? ''}${p}`;
      }
    client.sync = this.world.sync(client.memberId, client.generation, plan, {
      groupInstanceId: client.instance,
    });
  }

  pollSync(client: Client, token: number): void {
    const answer = this.world.response<SyncResponse>(token);
    if (answer === undefined) return;
    client.sync = null;
    if (answer.errorCode !== 0) return;
    let owned = this.owners.get(client.generation);
    if (owned === undefined) {
      owned = new Map();
      this.owners.set(client.generation, owned);
    }
    for (const partition of text(answer.assignment)) {
      const before = owned.get(Number(partition));
      const owner = client.instance ?? client.memberId;
      expect(before === undefined || before === owner, 'one owner in a generation').toBe(true);
      owned.set(Number(partition), owner);
    }
  }

  check(): void {
    const generation = generationOf(this.world);
    if (this.world.shard.groups.has('g')) {
      expect(generation).toBeGreaterThanOrEqual(this.generationSeen);
      this.generationSeen = generation;
    }
    const topics = [{ name: 't', topicId: uuidZero, partitionIndexes: [...this.acknowledged.keys()] }];
    const answer = fetchOffsets(this.world.shard, { groupId: 'g', topics }).topics[0];
    for (const { partitionIndex, committedOffset } of answer?.partitions ?? [])
      expect(committedOffset).toBeGreaterThanOrEqual(this.acknowledged.get(partitionIndex) ?? 0);
  }
}

test('random histories keep one owner per partition and generation, and acknowledged commits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
      const run = new Run(seed);
      for (let i = 0; i < 250; i++) run.step();
      const { world } = run;
      while (world.writes.length > 0) world.written();
      const again = replayed(world.log, world.config, world.random, world.now);
      expect(durable(again)).toEqual(durable(world.shard));
    }),
    { numRuns: 150, seed: Number(process.env.SEED ?? 20_261_121), verbose: 1 },
  );
});

test('a group whose clients all send heartbeats becomes stable', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
      const run = new Run(seed);
      for (let i = 0; i < 120; i++) run.step();
      const { world } = run;
      world.autoWrite = true;
      while (world.writes.length > 0) world.written();
      const alive = run.clients.filter((client) => client.alive && client.instance === null).slice(0, 4);
      for (let round = 0; round < 60; round++) {
        world.advance(2_000);
        run.poll();
        for (const client of alive) {
          if (client.join !== null || client.sync !== null) continue;
          if (client.generation < 0 || client.memberId === '') run.join(client);
          else {
            const answer = world.heartbeat(client.memberId, client.generation);
            if (answer !== 'NONE') run.rejoin(client, answer);
          }
        }
        run.poll();
      }
      const group = world.shard.groups.get('g');
      if (alive.length === 0) expect(group?.members.size ?? 0).toBe(0);
      else {
        expect(group?.state).toBe('Stable');
        expect(group?.members.size).toBe(alive.length);
      }
    }),
    { numRuns: 60, seed: Number(process.env.SEED ?? 20_261_122), verbose: 1 },
  );
});
