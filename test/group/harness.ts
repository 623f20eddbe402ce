/** A shard with a virtual clock and its log in memory, and short functions for requests. */
import { assert, defined } from '../../src/base/assert.ts';
import type { Random } from '../../src/base/random.ts';
import { uuidZero } from '../../src/base/uuid.ts';
import { assertGroup, type ClassicGroup } from '../../src/group/classic/group.ts';
import { assertConsumerGroup } from '../../src/group/consumer/group.ts';
import { finishLoading, replay } from '../../src/group/replay.ts';
import { createShard, nextDeadlineMs, step } from '../../src/group/shard.ts';
import type { ConsumerGroup, Group, Shard } from '../../src/group/group-turn.ts';
import { createTurn } from '../../src/group/group-turn.ts';
import type {
  GroupConfig,
  GroupRecord,
  Input,
  JoinRequest,
  JoinResponse,
  LeaveResponse,
  OffsetCommitRequest,
  OffsetCommitResponse,
  Output,
  StepContext,
  SyncRequest,
  SyncResponse,
  Write,
} from '../../src/group/types.ts';
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts';
import type { ErrorRow } from '../../src/protocol/errors.ts';
import { errorOf } from '../../src/protocol/errors.ts';

export const config: GroupConfig = {
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 0,
  maxSize: 1_000,
  consumer: {
    maxSize: 1_000,
    assignors: ['uniform', 'range'],
    migrationPolicy: 'bidirectional',
    regexRefreshIntervalMs: 600_000,
  },
  ofGroup: () => ({ sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, assignmentIntervalMs: 0 }),
  offsetMetadataMaxBytes: 4_096,
  offsetsRetentionMs: 7 * 86_400_000,
  offsetsRetentionCheckIntervalMs: 600_000,
};

export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1;
  const u32 = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  return { u32, bytes: (count) => Uint8Array.from({ length: count }, () => u32() & 255) };
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array): string => new TextDecoder().decode(value);
export const errorName = (response: { errorCode: number }): string => errorOf(response.errorCode).name;

const wallStartMs = 1_700_000_000_000;

export class World {
  shard: Shard;
  nowMs = 0;
  readonly log: GroupRecord[] = [];
  readonly responses = new Map<number, unknown>();
  /** Writes in flight, if `autoWrite` is off. */
  readonly writes: Write[] = [];
  autoWrite = true;
  image: MetadataImage = emptyImage();
  readonly config: GroupConfig;
  readonly random: Random;
  #token = 0;

  constructor(overrides: Partial<GroupConfig> = {}, seed = 1) {
    this.config = { ...config, ...overrides };
    this.random = seededRandom(seed);
    this.shard = createShard(this.config, this.random, this.now);
  }

  get now() {
    return {
      nowMs: this.nowMs,
      wallMs: wallStartMs + Math.floor(this.nowMs),
      image: this.image,
      leaderEpoch: 0,
    };
  }

  /** The classic group with this id. */
  group(id = 'g'): ClassicGroup {
    const group = defined(this.shard.groups.get(id), `group ${id}`);
    assert(group.kind === 'classic', `group ${id} is a classic one`);
    return group;
  }

  consumerGroup(id = 'g'): ConsumerGroup {
    const group = defined(this.shard.groups.get(id), `group ${id}`);
    assert(group.kind === 'consumer', `group ${id} is a consumer group`);
    return group;
  }

  step(input: Input): void {
    this.#take(step(this.shard, input, this.now));
  }

  #take(output: Output): void {
    for (const { token, response } of output.replies) this.responses.set(token, response);
    for (const group of this.shard.groups.values()) {
      if (group.kind === 'classic') assertGroup(group);
      else assertConsumerGroup(group);
    }
    for (const write of output.writes) {
      if (this.autoWrite) this.written(write);
      else this.writes.push(write);
    }
  }

  written(write = defined(this.writes.shift(), 'a write')): void {
    this.log.push(...write.records);
    this.step({ type: 'written', writeId: write.id });
  }

  failed(error: ErrorRow): void {
    this.step({ type: 'failed', writeId: defined(this.writes.shift(), 'a write').id, error });
  }

  /** Advances the clock. Each deadline is handled when it is due. */
  advance(ms: number): void {
    const until = this.nowMs + ms;
    for (;;) {
      const next = nextDeadlineMs(this.shard);
      if (next > until) break;
      this.nowMs = Math.max(this.nowMs, next);
      this.step({ type: 'tick' });
    }
    this.nowMs = until;
  }

  /** Another broker becomes the coordinator: it has only the log. */
  failOver(): void {
    this.shard = replayed(this.log, this.config, this.random, this.now);
    const turn = createTurn(this.shard, this.now);
    for (const group of this.shard.groups.values()) finishLoading(turn, group);
    this.#take(turn);
  }

  response<T>(token: number): T | undefined {
    return this.responses.get(token) as T | undefined;
  }

  // --- requests -------------------------------------------------------------------------------------------------

  send(input: (token: number) => Input): number {
    this.#token++;
    this.step(input(this.#token));
    return this.#token;
  }

  join(request: Partial<JoinRequest> = {}, apiVersion = 9, clientId = 'c'): number {
    return this.send((token) => ({
      type: 'join',
      token,
      caller: { apiVersion, clientId, clientHost: '/127.0.0.1' },
      request: {
        groupId: 'g',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 60_000,
        memberId: '',
        groupInstanceId: null,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: bytes('m') }],
        reason: null,
        ...request,
      },
    }));
  }

  joinNow(request: Partial<JoinRequest> = {}, apiVersion = 9): JoinResponse {
    const token = this.join(request, apiVersion);
    return defined(this.response<JoinResponse>(token), 'response to JoinGroup');
  }

  /** A dynamic member gets its id and joins with it. Its JoinGroup request stays pending. */
  joinDynamic(request: Partial<JoinRequest> = {}): { token: number; memberId: string } {
    const { memberId } = this.joinNow(request);
    return { token: this.join({ ...request, memberId }), memberId };
  }

  sync(
    memberId: string,
    generationId: number,
    assignments: Record<string, string> = {},
    rest: Partial<SyncRequest> = {},
  ): number {
    return this.send((token) => ({
      type: 'sync',
      token,
      request: {
        groupId: 'g',
        generationId,
        memberId,
        groupInstanceId: null,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: Object.entries(assignments).map(([id, a]) => ({ memberId: id, assignment: bytes(a) })),
        ...rest,
      },
    }));
  }

  heartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null): string {
    const token = this.send((t) => ({
      type: 'heartbeat',
      token: t,
      request: { groupId: 'g', generationId, memberId, groupInstanceId },
    }));
    return errorName(defined(this.response<{ errorCode: number }>(token)));
  }

  leave(...members: { memberId?: string; groupInstanceId?: string | null }[]): number {
    return this.send((token) => ({
      type: 'leave',
      token,
      request: {
        groupId: 'g',
        members: members.map((m) => ({ memberId: '', groupInstanceId: null, reason: null, ...m })),
      },
    }));
  }

  leaveNow(...members: { memberId?: string; groupInstanceId?: string | null }[]): LeaveResponse {
    return defined(this.response<LeaveResponse>(this.leave(...members)));
  }

  commit(
    offset: number,
    rest: Partial<OffsetCommitRequest> & {
      topic?: string;
      partition?: number;
      metadata?: string | null;
    } = {},
    apiVersion = 9,
  ): number {
    const { topic = 't', partition = 0, metadata = '', ...request } = rest;
    return this.send((token) => ({
      type: 'commit',
      token,
      apiVersion,
      request: {
        groupId: 'g',
        generationIdOrMemberEpoch: -1,
        memberId: '',
        groupInstanceId: null,
        retentionTimeMs: -1,
        topics: [
          {
            name: topic,
            topicId: this.image.topics.byName(topic)?.id ?? uuidZero,
            partitions: [
              {
                partitionIndex: partition,
                committedOffset: offset,
                committedLeaderEpoch: 3,
                committedMetadata: metadata,
              },
            ],
          },
        ],
        ...request,
      },
    }));
  }

  commitError(token: number): string | undefined {
    const code = this.response<OffsetCommitResponse>(token)?.topics[0]?.partitions[0]?.errorCode;
    return code === undefined ? undefined : errorOf(code).name;
  }

  /** A stable group of `count` dynamic members. The first id is that of the leader. */
  stable(count: number, request: Partial<JoinRequest> = {}): { ids: string[]; generation: number } {
    const joins = Array.from({ length: count }, () => this.joinDynamic(request));
    this.advance(this.config.initialRebalanceDelayMs + 1);
    // In a group without initial delay each further member starts another rebalance, in which all members join again.
    const tokens = joins.map(({ token, memberId }) =>
      this.response(token) === undefined ? token : this.join({ ...request, memberId }),
    );
    const answers = tokens.map((token) => defined(this.response<JoinResponse>(token), 'answer to a join'));
    const generation = defined(answers[0]).generationId;
    const ids = joins.map(({ memberId }) => memberId);
    const leader = defined(answers[0]).leader;
    const plan = Object.fromEntries(ids.map((id, i) => [id, `a${i}`]));
    for (const id of ids) this.sync(id, generation, id === leader ? plan : {});
    return { ids, generation };
  }

  syncAnswer(token: number): SyncResponse | undefined {
    return this.response<SyncResponse>(token);
  }
}

export function replayed(
  log: readonly GroupRecord[],
  cfg: GroupConfig,
  random: Random,
  now: StepContext,
): Shard {
  const shard = createShard(cfg, random, now);
  for (const record of log) replay(shard, record);
  return shard;
}

/** The part of a shard's state that a failover must preserve, in a form that can be compared. */
export function durable(shard: Shard): unknown {
  return [...shard.groups.values()]
    .filter((group) => isWritten(group) || group.offsets.size > 0)
    .map((group) => ({
      id: group.groupId,
      persisted: group.kind === 'consumer' ? consumerState(group) : [...(group.persisted ?? [])],
      offsets: [...group.offsets]
        .map(([topic, p]) => [
          topic,
          // The order holds within one shard.
          [...p]
            .map(([index, value]) => [index, { ...value, order: 0 }] as const)
            .sort((a, b) => a[0] - b[0]),
        ])
        .sort(),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function isWritten(group: Group): boolean {
  return group.kind === 'consumer' ? group.epoch > 0 : group.persisted !== null;
}

function consumerState(group: ConsumerGroup): unknown {
  const { epoch, metadataHash, targetEpoch, targetTimestampMs, members, targets, regexes } = group;
  const inOrder = <V>(map: ReadonlyMap<string, V>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const state = { epoch, metadataHash, targetEpoch, targetTimestampMs };
  return { ...state, members: inOrder(members), targets: inOrder(targets), regexes: inOrder(regexes) };
}
