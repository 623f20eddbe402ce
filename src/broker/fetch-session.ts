/**
 * Incremental fetch sessions (KIP-227): the broker remembers which partitions a client fetches and what it last sent for them, so
 * that requests name only changes and responses only changed partitions.
 *
 * - The number of sessions is bounded, and so is the total number of their partitions, also when sessions grow. When there is no
 *   room, a client gets session id 0 and fetches without a session. Invalid topic names are not stored.
 * - Partitions that had data in a response move to the end, so that a busy partition cannot starve the others of `maxBytes`.
 * - This module neither reads logs nor knows the wire format; `api/records/01-fetch.ts` does.
 */
import type { Uuid } from '../base/uuid.ts';
import { type ErrorRow, Errors } from '../protocol/errors.ts';

export interface FetchedPartition {
  /** Empty when the version has topic ids. */
  readonly topic: string;
  /** Zero when the version has topic names. */
  readonly topicId: Uuid;
  readonly index: number;
  fetchOffset: number;
  maxBytes: number;
  currentLeaderEpoch: number;
  lastFetchedEpoch: number;
  /** The value in the last response; -1 before the first. */
  highWatermark: number;
  logStartOffset: number;
}

/** No session. A client that does not want one sends it too. */
export const noSessionId = 0;
/** Epoch of a request without a session, or of one that closes its session. */
export const finalEpoch = -1;
/** Epoch of a full request that asks for a new session. */
export const initialEpoch = 0;

export function nextEpoch(epoch: number): number {
  return epoch >= 2147483647 ? 1 : epoch + 1;
}

export function partitionKey(topic: string, topicId: Uuid, index: number): string {
  return topic === '' ? `${topicId}${index}` : `${topic}/${index}`;
}

export class FetchSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  /** In the order in which they are read. */
  readonly partitions: Map<string, FetchedPartition>;
  /** The epoch that the next request must have. */
  epoch = 1;
  lastUsedMs: number;

  constructor(id: number, usesTopicIds: boolean, partitions: Map<string, FetchedPartition>, nowMs: number) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.partitions = partitions;
    this.createdMs = nowMs;
    this.lastUsedMs = nowMs;
  }

  /** The next read begins after this partition. */
  moveToEnd(partition: FetchedPartition): void {
    const key = partitionKey(partition.topic, partition.topicId, partition.index);
    if (this.partitions.delete(key)) this.partitions.set(key, partition);
  }
}

export interface SessionCacheOptions {
  readonly slotsMax: number;
  readonly partitionsMax: number;
  /** A session that was not used for this long may be evicted. */
  readonly evictionMs: number;
  /** Uniform in [0, 2^32). */
  readonly random: () => number;
}

/** Kafka's longest topic name. */
const topicNameLengthMax = 249;

export const sessionDefaults = { partitionsMax: 200_000, evictionMs: 120_000 };

export class FetchSessionCache {
  readonly #options: SessionCacheOptions;
  /** Least recently used first. */
  readonly #sessions = new Map<number, FetchSession>();
  #partitions = 0;

  constructor(options: SessionCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get partitionCount(): number {
    return this.#partitions;
  }

  /** The session of an incremental request, after its epoch was checked and advanced; or the error. */
  use(id: number, epoch: number, usesTopicIds: boolean, nowMs: number): FetchSession | ErrorRow {
    const session = this.#sessions.get(id);
    if (session === undefined) return Errors.FETCH_SESSION_ID_NOT_FOUND;
    if (session.epoch !== epoch) return Errors.INVALID_FETCH_SESSION_EPOCH;
    if (session.usesTopicIds !== usesTopicIds) return Errors.FETCH_SESSION_TOPIC_ID_ERROR;
    session.epoch = nextEpoch(epoch);
    session.lastUsedMs = nowMs;
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    return session;
  }

  /** A new session, or null when there is no room for it. */
  create(
    usesTopicIds: boolean,
    partitions: Map<string, FetchedPartition>,
    nowMs: number,
  ): FetchSession | null {
    if (partitions.size === 0) return null;
    for (const { topic } of partitions.values()) if (topic.length > topicNameLengthMax) return null;
    if (!this.#makeRoom(partitions.size, nowMs)) return null;
    let id = 0;
    while (id === 0 || this.#sessions.has(id)) id = this.#options.random() & 0x7fff_ffff;
    const session = new FetchSession(id, usesTopicIds, partitions, nowMs);
    this.#sessions.set(id, session);
    this.#partitions += partitions.size;
    return session;
  }

  remove(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#partitions -= session.partitions.size;
  }

  /** Adds or changes a partition of a session; false when there is no room. */
  put(session: FetchSession, partition: FetchedPartition): boolean {
    const key = partitionKey(partition.topic, partition.topicId, partition.index);
    const known = session.partitions.get(key);
    if (known === undefined) {
      if (this.#partitions >= this.#options.partitionsMax || partition.topic.length > topicNameLengthMax)
        return false;
      session.partitions.set(key, partition);
      this.#partitions++;
      return true;
    }
    known.fetchOffset = partition.fetchOffset;
    known.maxBytes = partition.maxBytes;
    known.currentLeaderEpoch = partition.currentLeaderEpoch;
    known.lastFetchedEpoch = partition.lastFetchedEpoch;
    return true;
  }

  forget(session: FetchSession, key: string): void {
    if (session.partitions.delete(key)) this.#partitions--;
  }

  #makeRoom(partitions: number, nowMs: number): boolean {
    const { slotsMax, partitionsMax } = this.#options;
    if (slotsMax <= 0 || partitions > partitionsMax) return false;
    while (this.#sessions.size >= slotsMax || this.#partitions + partitions > partitionsMax) {
      const victim = this.#evictable(partitions, nowMs);
      if (victim === null) return false;
      this.remove(victim.id);
    }
    return true;
  }

  /** The least recently used session when it is stale; else a smaller one that is old enough, because large sessions save more. */
  #evictable(partitions: number, nowMs: number): FetchSession | null {
    const { evictionMs } = this.#options;
    let smallest: FetchSession | null = null;
    for (const session of this.#sessions.values()) {
      if (nowMs - session.lastUsedMs > evictionMs) return session;
      if (nowMs - session.createdMs <= evictionMs || session.partitions.size >= partitions) continue;
      if (smallest === null || session.partitions.size < smallest.partitions.size) smallest = session;
    }
    return smallest;
  }
}
