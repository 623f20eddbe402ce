/**
 * Fetch sessions (KIP-227): the broker remembers which partitions a client fetches and what it has sent for them last. So a
 * request lists only changed partitions, and so does the response.
 *
 * - The number of sessions is bounded, and so is the number of partitions in all sessions together, also when a session grows.
 *   If there is no room, a client gets session id 0 and fetches without a session. Topic names that are too long are not
 *   stored.
 * - Partitions that had data in a response are moved to the end, so that a busy partition does not use up `maxBytes` alone.
 * - This file neither reads logs nor knows the wire format; `api/records/01-fetch.ts` does.
 */
import type { Uuid } from '../base/uuid.ts';
import { type ErrorRow, Errors } from '../protocol/errors.ts';

export interface FetchedPartition {
  /** Empty if the version of the request has topic ids. */
  readonly topic: string;
  /** Zero if the version of the request has topic names. */
  readonly topicId: Uuid;
  readonly index: number;
  fetchOffset: number;
  maxBytes: number;
  currentLeaderEpoch: number;
  lastFetchedEpoch: number;
  /** The high watermark and the log start offset in the last response; -1 before the first response. */
  highWatermark: number;
  logStartOffset: number;
}

/** The session id that means "no session". A client that does not want a session sends it, too. */
export const noSessionId = 0;
/** The session epoch in a request without a session, and in a request that closes its session. */
export const finalEpoch = -1;
/** The session epoch in a request that lists all partitions and wants a new session. */
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
  /** By `partitionKey`, in the order in which they are read. */
  readonly partitions: Map<string, FetchedPartition>;
  /** The session epoch that the next request must have. */
  epoch = 1;
  lastUsedMs: number;

  constructor(id: number, usesTopicIds: boolean, partitions: Map<string, FetchedPartition>, nowMs: number) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.partitions = partitions;
    this.createdMs = nowMs;
    this.lastUsedMs = nowMs;
  }

  /** Moves a partition after all others, so that it is read last the next time. */
  moveToEnd(partition: FetchedPartition): void {
    const key = partitionKey(partition.topic, partition.topicId, partition.index);
    if (this.partitions.delete(key)) this.partitions.set(key, partition);
  }
}

export interface SessionCacheOptions {
  readonly slotsMax: number;
  readonly partitionsMax: number;
  /** A session that was not used for this long, or has existed for this long, may be removed for a new one (`#evictable`). */
  readonly evictionMs: number;
  /** Returns a random integer from 0 to 2^32 - 1. */
  readonly random: () => number;
}

/** The length of the longest topic name that Kafka allows. */
const topicNameLengthMax = 249;

export const sessionDefaults = { partitionsMax: 200_000, evictionMs: 120_000 };

export class FetchSessionCache {
  readonly #options: SessionCacheOptions;
  /** By session id, the least recently used first. */
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

  /** The session of an incremental request, or the error. Checks the session epoch and advances it. */
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

  /** Creates a session; null if there is no room for it. */
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

  /** Adds or changes a partition of a session. Returns false if there is no room for it. */
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

  /**
   * A session that may be removed for a new one with `partitions` partitions: the least recently used one if it is stale;
   * otherwise the smallest of those that are old enough and smaller than the new one, because a large session saves more.
   */
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
