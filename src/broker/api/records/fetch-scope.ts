/**
 * Determines the partitions of a Fetch request: those in the request, or those of its session with the changes in the request.
 * The session epoch in the request decides (KIP-227): -1 means no session; 0 requests a new session. Both close the session
 * whose id the request has. Any other epoch must be the next one of the session.
 */
import { uuidZero } from '../../../base/uuid.ts';
import type { ErrorRow } from '../../../protocol/errors.ts';
import type { FetchRequest } from '../../../protocol/messages/records/01-fetch.ts';
import {
  type FetchedPartition,
  type FetchSession,
  type FetchSessionCache,
  finalEpoch,
  initialEpoch,
  noSessionId,
  partitionKey,
} from '../../fetch-session.ts';

export interface FetchScope {
  /** Null: the request uses no session, or none could be created. */
  readonly session: FetchSession | null;
  /** Whether the request has only the changes of its session; then the response may leave out unchanged partitions. */
  readonly incremental: boolean;
  readonly partitions: readonly FetchedPartition[];
}

const sessionsVersion = 7;
const topicIdsVersion = 13;

export function fetchScope(
  sessions: FetchSessionCache,
  request: FetchRequest,
  version: number,
  nowMs: number,
): FetchScope | { readonly error: ErrorRow } {
  if (version < sessionsVersion) return withoutSession(request);
  if (request.sessionEpoch === finalEpoch || request.sessionEpoch === initialEpoch) {
    if (request.sessionId !== noSessionId) sessions.remove(request.sessionId);
    if (request.sessionEpoch === finalEpoch) return withoutSession(request);
    return newSession(sessions, request, version, nowMs);
  }
  return nextOfSession(sessions, request, version, nowMs);
}

function withoutSession(request: FetchRequest): FetchScope {
  return { session: null, incremental: false, partitions: [...named(request).values()] };
}

/** The partitions of the request, by key. If a partition occurs twice, its last entry is used. */
function named(request: FetchRequest): Map<string, FetchedPartition> {
  const byKey = new Map<string, FetchedPartition>();
  for (const topic of request.topics) {
    for (const asked of topic.partitions) {
      byKey.set(partitionKey(topic.topic, topic.topicId, asked.partition), fetched(topic, asked));
    }
  }
  return byKey;
}

function newSession(
  sessions: FetchSessionCache,
  request: FetchRequest,
  version: number,
  nowMs: number,
): FetchScope {
  const byKey = named(request);
  const session = sessions.create(version >= topicIdsVersion, byKey, nowMs);
  return { session, incremental: false, partitions: [...byKey.values()] };
}

function nextOfSession(
  sessions: FetchSessionCache,
  request: FetchRequest,
  version: number,
  nowMs: number,
): FetchScope | { readonly error: ErrorRow } {
  const session = sessions.use(request.sessionId, request.sessionEpoch, version >= topicIdsVersion, nowMs);
  if ('code' in session) return { error: session };
  const withoutRoom: FetchedPartition[] = [];
  for (const topic of request.topics) {
    for (const asked of topic.partitions) {
      const partition = fetched(topic, asked);
      if (!sessions.put(session, partition)) withoutRoom.push(partition);
    }
  }
  for (const topic of request.forgottenTopicsData) {
    const id = topic.topic === '' ? topic.topicId : uuidZero;
    for (const index of topic.partitions) sessions.forget(session, partitionKey(topic.topic, id, index));
  }
  if (withoutRoom.length > 0) {
    // The session has become too large and is closed. This request still gets all its partitions; session id 0 in the response
    // tells the client that the session has ended.
    sessions.remove(session.id);
    return {
      session: null,
      incremental: false,
      partitions: [...session.partitions.values(), ...withoutRoom],
    };
  }
  if (session.partitions.size > 0)
    return { session, incremental: true, partitions: [...session.partitions.values()] };
  // The session has no partition any more and is closed; session id 0 in the response tells the client so.
  sessions.remove(session.id);
  return { session: null, incremental: false, partitions: [] };
}

function fetched(
  topic: FetchRequest['topics'][number],
  asked: FetchRequest['topics'][number]['partitions'][number],
): FetchedPartition {
  return {
    topic: topic.topic,
    topicId: topic.topicId,
    index: asked.partition,
    fetchOffset: asked.fetchOffset,
    maxBytes: asked.partitionMaxBytes,
    currentLeaderEpoch: asked.currentLeaderEpoch,
    lastFetchedEpoch: asked.lastFetchedEpoch,
    highWatermark: -1,
    logStartOffset: -1,
  };
}
