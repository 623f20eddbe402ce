/** Generators (fast-check arbitraries) of the messages between nodes, by channel and direction. */
import fc from 'fast-check';
import type { Hello } from '../../src/base/hello.ts';
import { nodeId } from '../../src/base/ids.ts';
import { uuidFromBytes } from '../../src/base/uuid.ts';
import type { ChannelName, PeerMessage } from '../../src/base/network.ts';
import type { CallFrame, ReplyFrame } from '../../src/server/calls/messages.ts';
import type {
  FeedMessage,
  ObserverFrame,
  RaftFrame,
  SnapshotFrame,
  SnapshotReply,
} from '../../src/server/raft/channels.ts';
import type { FollowerMessage, LeaderMessage } from '../../src/replication/stream/stream-messages.ts';

const int = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());
const small = fc.nat({ max: 2 ** 31 - 1 });
const orNone = (max: number) => fc.integer({ min: -1, max });
const offsetOrNone = orNone(Number.MAX_SAFE_INTEGER);
const bytes = fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some));
const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((some) => uuidFromBytes(some));
const text = fc.string({ unit: 'binary', maxLength: 40 });
const port = fc.nat(65_535);
const id = fc.nat(100_000).map(nodeId);
const endpoints = fc.array(fc.record({ name: text, host: text, port }), { maxLength: 3 });
const voters = fc.array(fc.record({ id, directoryId: uuid, endpoints }), { maxLength: 3 });

function frame<T extends PeerMessage>(
  type: T['type'],
  fields: { [K in keyof Omit<T, 'type'>]: fc.Arbitrary<T[K]> },
): fc.Arbitrary<T> {
  return fc.record({ type: fc.constant(type), ...fields }) as unknown as fc.Arbitrary<T>;
}
type Of<F extends PeerMessage, T extends F['type']> = Extract<F, { type: T }>;

export const hello = frame<Hello>('hello', {
  clusterId: text,
  nodeId: id,
  directoryId: uuid,
  bootId: fc.nat(0xffff_ffff),
  versionMin: small,
  versionMax: small,
  release: text,
  wantedNodeId: orNone(100_000),
});

const entries = fc
  .tuple(
    fc.nat(),
    fc.array(
      fc.record({
        epoch: int,
        kind: fc.constantFrom('data' as const, 'leaderChange' as const, 'voters' as const),
        appendedMs: int,
        payload: bytes,
      }),
      { maxLength: 5 },
    ),
  )
  .map(([base, rows]) => rows.map((row, at) => ({ offset: base + at, ...row })));

const raft: fc.Arbitrary<RaftFrame>[] = [
  hello,
  frame<Of<RaftFrame, 'vote'>>('vote', {
    epoch: int,
    preVote: fc.boolean(),
    transfer: fc.boolean(),
    logEndOffset: int,
    lastEpoch: int,
    nonce: fc.nat(),
  }),
  frame<Of<RaftFrame, 'voted'>>('voted', {
    epoch: int,
    preVote: fc.boolean(),
    granted: fc.boolean(),
    nonce: fc.nat(),
  }),
  frame<Of<RaftFrame, 'append'>>('append', {
    epoch: int,
    baseOffset: int,
    previousEpoch: int,
    highWatermark: int,
    entries,
  }),
  frame<Of<RaftFrame, 'appended'>>('appended', {
    epoch: int,
    accepted: fc.boolean(),
    baseOffset: int,
    endOffset: int,
    endEpoch: int,
  }),
  frame<Of<RaftFrame, 'heartbeat'>>('heartbeat', {
    epoch: int,
    directoryId: uuid,
    match: int,
    highWatermark: int,
    reply: fc.boolean(),
    round: int,
  }),
  frame<Of<RaftFrame, 'alive'>>('alive', { epoch: int, round: int }),
  frame<Of<RaftFrame, 'timeoutNow'>>('timeoutNow', { epoch: int }),
  frame<Of<RaftFrame, 'resign'>>('resign', { epoch: int, successors: fc.array(id, { maxLength: 5 }) }),
  frame<Of<RaftFrame, 'join'>>('join', {
    epoch: int,
    replica: fc.record({ id, directoryId: uuid }),
    endpoints,
  }),
];

const snapshot: fc.Arbitrary<SnapshotFrame>[] = [
  hello,
  frame<Of<SnapshotFrame, 'begin'>>('begin', {
    epoch: int,
    endOffset: int,
    snapshotEpoch: int,
    voters,
    sizeBytes: int,
  }),
  frame<Of<SnapshotFrame, 'chunk'>>('chunk', { bytes }),
];
const snapshotReply: fc.Arbitrary<SnapshotReply>[] = [
  hello,
  frame<Of<SnapshotReply, 'from'>>('from', { offset: int }),
  frame<Of<SnapshotReply, 'received'>>('received', {}),
];

const observer: fc.Arbitrary<ObserverFrame>[] = [
  hello,
  frame<Of<ObserverFrame, 'credit'>>('credit', { sizeBytes: int, endOffset: int }),
];
const feed: fc.Arbitrary<Hello | FeedMessage>[] = [
  hello,
  frame<Of<FeedMessage, 'status'>>('status', {
    leaderId: orNone(100_000),
    epoch: int,
    highWatermark: int,
    voters,
  }),
  frame<Of<FeedMessage, 'begin'>>('begin', { endOffset: int, epoch: int, sizeBytes: int }),
  frame<Of<FeedMessage, 'chunk'>>('chunk', { bytes }),
  frame<Of<FeedMessage, 'entries'>>('entries', { baseOffset: int, entries }),
];

const call: fc.Arbitrary<CallFrame>[] = [
  hello,
  frame<Of<CallFrame, 'call'>>('call', {
    requestId: int,
    lowestPendingId: int,
    apiKey: fc.nat(32_767),
    apiVersion: fc.nat(32_767),
    principal: text,
    clientId: text,
    body: bytes,
  }),
];
const reply: fc.Arbitrary<ReplyFrame>[] = [
  hello,
  frame<Of<ReplyFrame, 'reply'>>('reply', {
    requestId: int,
    errorCode: orNone(133),
    errorMessage: text,
    leaderId: orNone(100_000),
    epoch: offsetOrNone,
    body: bytes,
  }),
];

export const ack = frame<Of<FollowerMessage, 'ack'>>('ack', {
  pushes: small,
  creditBytes: int,
  slots: fc.array(fc.record({ slot: small, logEndOffset: int, logStartOffset: int }), { maxLength: 5 }),
});

const follower: fc.Arbitrary<FollowerMessage>[] = [
  hello,
  frame<Of<FollowerMessage, 'open'>>('open', { brokerEpoch: int, windowBytes: int }),
  frame<Of<FollowerMessage, 'subscribe'>>('subscribe', {
    slots: fc.array(
      fc.record({
        slot: small,
        topicId: uuid,
        index: small,
        leaderEpoch: small,
        fetchOffset: int,
        lastFetchedEpoch: orNone(2 ** 31 - 1),
        logStartOffset: int,
      }),
      { maxLength: 5 },
    ),
  }),
  frame<Of<FollowerMessage, 'unsubscribe'>>('unsubscribe', { slots: fc.array(small, { maxLength: 5 }) }),
  ack,
];

/** A push whose records are in one piece, as in a received push, or absent. */
export const push = frame<Of<LeaderMessage, 'push'>>('push', {
  entries: fc.array(
    fc.record({
      slot: small,
      highWatermark: int,
      logStartOffset: int,
      records: fc.array(
        bytes.filter((some) => some.length > 0),
        { maxLength: 1 },
      ),
    }),
    { maxLength: 5 },
  ),
});
const leader: fc.Arbitrary<LeaderMessage>[] = [
  hello,
  push,
  frame<Of<LeaderMessage, 'refuse'>>('refuse', {
    refusals: fc.array(
      fc.record({
        slot: small,
        errorCode: fc.nat(133),
        divergingEpoch: orNone(2 ** 31 - 1),
        divergingEndOffset: offsetOrNone,
        leaderStartOffset: offsetOrNone,
        leaderEndOffset: offsetOrNone,
      }),
      { maxLength: 5 },
    ),
  }),
];

/** For each channel: the messages that the opener of a stream sends, and those that its acceptor sends. */
export const messages: Readonly<
  Record<ChannelName, { request: fc.Arbitrary<PeerMessage>[]; response: fc.Arbitrary<PeerMessage>[] }>
> = {
  raft: { request: raft, response: raft },
  'raft-bulk': { request: snapshot, response: snapshotReply },
  observe: { request: observer, response: feed },
  controller: { request: call, response: reply },
  broker: { request: call, response: reply },
  replication: { request: follower, response: leader },
};
