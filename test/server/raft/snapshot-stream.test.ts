import { expect, test } from 'vitest';
import type { Scheduler } from '../../../src/base/clock.ts';
import { nodeId } from '../../../src/base/ids.ts';
import type { MessageStream } from '../../../src/base/network.ts';
import { MalformedError } from '../../../src/base/protobuf.ts';
import type { InstallSnapshot } from '../../../src/raft/messages.ts';
import type { ReplicaKey, Voter } from '../../../src/raft/types.ts';
import { helloOf } from '../../../src/base/hello.ts';
import type { SnapshotFrame, SnapshotReply } from '../../../src/server/raft/channels.ts';
import { identityOf } from '../identity.ts';
import { sendSnapshot, SnapshotDownloads } from '../../../src/server/raft/snapshot-stream.ts';
import { snapshotBytesMax, SnapshotParts } from '../../../src/server/raft/snapshot-parts.ts';

const leader: ReplicaKey = { id: nodeId(1), directoryId: 'AAAAAAAAAAAAAAAAAAAAAQ' };
const voters = [{ ...leader, endpoints: [] }];
const hello = helloOf(identityOf(1), 2);
const greeter = { hello: () => hello, check: () => leader };

type Outgoing = MessageStream<SnapshotFrame, SnapshotReply>;
type Incoming = MessageStream<SnapshotReply, SnapshotFrame>;
const scheduler: Scheduler = { after: () => ({ cancel() {} }), soon: (callback) => queueMicrotask(callback) };

function snapshotOf(sizeBytes: number, endOffset = 10): InstallSnapshot {
  const bytes = Uint8Array.from({ length: sizeBytes }, (_, index) => index % 251);
  return { type: 'snapshot', epoch: 3, endOffset, snapshotEpoch: 2, voters, bytes };
}

/**
 * A stream whose two ends are in this object: messages of the sender go directly to `downloads`. The stream breaks after
 * `messagesMax` messages.
 */
class Pipe implements Outgoing {
  onMessage: (message: SnapshotReply) => void = () => {};
  onClose: (error: Error | null) => void = () => {};
  onDrain: () => void = () => {};
  sentBytes = 0;
  readonly #downloads: SnapshotDownloads;
  readonly #from: ReplicaKey;
  #messagesLeft: number;
  #greeted = false;
  #closed = false;
  readonly receiver: Incoming;

  constructor(downloads: SnapshotDownloads, from: ReplicaKey, messagesMax: number) {
    this.#downloads = downloads;
    this.#from = from;
    this.#messagesLeft = messagesMax;
    this.receiver = {
      onMessage() {},
      onClose() {},
      onDrain() {},
      send: (message) => {
        queueMicrotask(() => this.onMessage(message));
        return true;
      },
      close: () => this.#break(),
    };
  }

  send(message: SnapshotFrame): boolean {
    if (this.#closed) return false;
    if (!this.#greeted) {
      this.#greeted = true;
      this.receiver.send(hello);
      return true;
    }
    if (this.#messagesLeft === 0) {
      this.#break();
      return false;
    }
    this.#messagesLeft -= 1;
    if (message.type === 'chunk') this.sentBytes += message.bytes.length;
    this.#downloads.receive(this.receiver, this.#from, message);
    queueMicrotask(() => this.onDrain());
    return false;
  }

  close(): void {
    this.#break();
  }

  #break(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#downloads.closed(this.receiver);
    queueMicrotask(() => this.onClose(null));
  }
}

function downloadsOf(onMessage: (from: ReplicaKey, snapshot: InstallSnapshot) => void): SnapshotDownloads {
  return new SnapshotDownloads({ isLeader: () => true, onMessage });
}

function send(pipe: Pipe, snapshot: InstallSnapshot): Promise<boolean> {
  return sendSnapshot({ stream: pipe, greeter, to: nodeId(2), snapshot, scheduler });
}

test('a broken download is continued with the missing chunks, and the snapshot is equal', async () => {
  const received: InstallSnapshot[] = [];
  const downloads = downloadsOf((_, snapshot) => received.push(snapshot));
  const snapshot = snapshotOf(2_000_000);
  const first = new Pipe(downloads, leader, 5);
  expect(await send(first, snapshot)).toBe(false);
  expect(received).toEqual([]);
  const second = new Pipe(downloads, leader, 100);
  expect(await send(second, { ...snapshot, epoch: 4 })).toBe(true);
  // Four chunks of 256 KiB had arrived before the first stream broke and are not sent again. 100 bytes are enough for the
  // `begin` message.
  expect(second.sentBytes).toBeLessThan(2_000_000 - 4 * 256 * 1024 + 100);
  expect(received).toHaveLength(1);
  expect(received[0]).toMatchObject({ epoch: 4, endOffset: 10, snapshotEpoch: 2 });
  expect(Buffer.compare(received[0]?.bytes ?? new Uint8Array(0), snapshot.bytes)).toBe(0);
});

test('a download of another snapshot or from another replica begins at its start', async () => {
  const received: number[] = [];
  const downloads = downloadsOf((_, { bytes }) => received.push(bytes.length));
  const snapshot = snapshotOf(1_000_000);
  await send(new Pipe(downloads, leader, 3), snapshot);
  const other = new Pipe(downloads, { ...leader, id: nodeId(2) }, 100);
  expect(await send(other, snapshot)).toBe(true);
  expect(other.sentBytes).toBe(1_000_000);
  await send(new Pipe(downloads, leader, 3), snapshot);
  const newer = new Pipe(downloads, leader, 100);
  expect(await send(newer, snapshotOf(900_000, 20))).toBe(true);
  expect(newer.sentBytes).toBe(900_000);
  expect(received).toEqual([1_000_000, 900_000]);
  const empty = new Pipe(downloads, leader, 100);
  expect(await send(empty, snapshotOf(0, 30))).toBe(true);
  expect(received.at(-1)).toBe(0);
});

test('a snapshot above snapshotBytesMax is refused by its size; memory is allocated for received bytes only', () => {
  expect(() => new SnapshotParts(snapshotBytesMax + 1)).toThrow(MalformedError);
  expect(new SnapshotParts(snapshotBytesMax).whole()).toHaveLength(0);
});

test('more bytes than announced are refused', () => {
  const downloads = downloadsOf(() => {});
  const pipe = new Pipe(downloads, leader, 100);
  const sent: SnapshotFrame[] = [];
  const recording: Outgoing = {
    onMessage() {},
    onClose() {},
    onDrain() {},
    send: (message) => {
      sent.push(message);
      return true;
    },
    close() {},
  };
  void sendSnapshot({
    stream: recording,
    greeter,
    to: nodeId(2),
    snapshot: snapshotOf(10),
    scheduler,
  });
  downloads.receive(pipe.receiver, leader, sent[1] as SnapshotFrame);
  expect(() =>
    downloads.receive(pipe.receiver, leader, { type: 'chunk', bytes: new Uint8Array(11) }),
  ).toThrow(MalformedError);
});

test('a snapshot with an epoch above epochMax, or above that of its sender, is refused', () => {
  const received: InstallSnapshot[] = [];
  const downloads = downloadsOf((_, snapshot) => received.push(snapshot));
  const { receiver } = new Pipe(downloads, leader, 100);
  const begin = { type: 'begin', endOffset: 10, voters, sizeBytes: 0 } as const;
  for (const [epoch, snapshotEpoch] of [
    [2 ** 31, 1],
    [2 ** 31, 2 ** 31],
    [3, 4],
    [3, -1],
  ] as const)
    expect(() => downloads.receive(receiver, leader, { ...begin, epoch, snapshotEpoch })).toThrow(
      MalformedError,
    );
  downloads.receive(receiver, leader, { ...begin, epoch: 2 ** 31 - 1, snapshotEpoch: 3 });
  expect(received).toHaveLength(1);
});

test('a snapshot of a node that this one does not follow, or without voters, is refused before its bytes arrive', () => {
  const received: InstallSnapshot[] = [];
  const followed = { ...leader };
  const downloads = new SnapshotDownloads({
    isLeader: (from) => from === followed,
    onMessage: (_, snapshot) => received.push(snapshot),
  });
  const { receiver } = new Pipe(downloads, leader, 100);
  const begin = { type: 'begin', epoch: 3, snapshotEpoch: 3, endOffset: 10, voters, sizeBytes: 0 } as const;
  const refused = (from: ReplicaKey, of: readonly Voter[]): void => {
    expect(() => downloads.receive(receiver, from, { ...begin, voters: of })).toThrow(MalformedError);
  };
  refused({ ...leader, id: nodeId(77) }, voters);
  refused(followed, []);
  refused(followed, [...voters, ...voters]);
  expect(received).toEqual([]);
  downloads.receive(receiver, followed, begin);
  expect(received).toHaveLength(1);
});
