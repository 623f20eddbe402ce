/**
 * Sends and receives snapshots between controllers. They use a channel of their own, 'raft-bulk', so that they do not delay
 * heartbeats. The sender opens the stream:
 *
 *   hello | begin {epoch, end offset, snapshot epoch, voters, size} | chunks of 256 KiB …
 *   from the receiver: hello | from {offset} | received
 *
 * `from` tells how many bytes of this snapshot the receiver has from an earlier stream that broke; the sender continues there.
 * The sender waits when the stream's send buffer is full. `received` means that the receiver's core has the whole snapshot;
 * when it is durable, the receiver acknowledges it with an ordinary Raft message.
 */
import type { Scheduler, Timer } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { MessageStream } from '../../base/network.ts';
import { MalformedError } from '../../base/protobuf.ts';
import { epochFault, type InstallSnapshot } from '../../raft/messages.ts';
import { type ReplicaKey, sameReplica } from '../../raft/types.ts';
import { isQuorum } from '../../raft/voter-set.ts';
import type { SnapshotBegin, SnapshotFrame, SnapshotReply } from './channels.ts';
import type { Greeter } from './greeter.ts';
import { SnapshotParts } from './snapshot-parts.ts';

const chunkBytes = 256 * 1024;
const idleTimeoutMs = 30_000;

type Outgoing = MessageStream<SnapshotFrame, SnapshotReply>;
type Incoming = MessageStream<SnapshotReply, SnapshotFrame>;

export interface SendSnapshotOptions {
  readonly stream: Outgoing;
  readonly greeter: Pick<Greeter, 'hello' | 'check'>;
  readonly to: NodeId;
  readonly snapshot: InstallSnapshot;
  readonly scheduler: Scheduler;
}

/** Resolves to true when the receiver has the whole snapshot. */
export function sendSnapshot(options: SendSnapshotOptions): Promise<boolean> {
  return new Promise((resolve) => {
    new SnapshotSender(options, resolve).start();
  });
}

class SnapshotSender {
  readonly #options: SendSnapshotOptions;
  readonly #done: (ok: boolean) => void;
  /** The position of the next byte to send; null until the receiver's `from` has arrived. */
  #at: number | null = null;
  #greeted = false;
  #timer: Timer | null = null;

  constructor(options: SendSnapshotOptions, done: (ok: boolean) => void) {
    this.#options = options;
    this.#done = done;
  }

  start(): void {
    const { stream, greeter, to, snapshot } = this.#options;
    stream.onMessage = (message) => this.#received(message);
    stream.onDrain = () => this.#pump();
    stream.onClose = () => this.#finish(false);
    this.#touch();
    stream.send(greeter.hello(to));
    const { epoch, endOffset, snapshotEpoch, voters, bytes } = snapshot;
    stream.send({ type: 'begin', epoch, endOffset, snapshotEpoch, voters, sizeBytes: bytes.length });
  }

  #pump(): void {
    const { stream, snapshot } = this.#options;
    if (this.#at === null) return;
    this.#touch();
    let room = true;
    while (room && this.#at < snapshot.bytes.length) {
      const bytes = snapshot.bytes.subarray(this.#at, this.#at + chunkBytes);
      room = stream.send({ type: 'chunk', bytes });
      this.#at += chunkBytes;
    }
  }

  #received(message: SnapshotReply): void {
    const { greeter, to, snapshot } = this.#options;
    if (!this.#greeted) {
      this.#greeted = typeof greeter.check(message, to) !== 'string';
      if (!this.#greeted) this.#finish(false);
    } else if (this.#at === null) {
      if (message.type !== 'from' || message.offset > snapshot.bytes.length) this.#finish(false);
      else {
        this.#at = message.offset;
        this.#pump();
      }
    } else this.#finish(message.type === 'received');
  }

  #touch(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.scheduler.after(idleTimeoutMs, () => this.#finish(false));
  }

  #finish(ok: boolean): void {
    this.#timer?.cancel();
    this.#options.stream.onClose = () => {};
    this.#options.stream.onDrain = () => {};
    this.#options.stream.close();
    this.#done(ok);
  }
}

export interface DownloadOptions {
  /** Whether this replica follows `from`. */
  readonly isLeader: (from: ReplicaKey) => boolean;
  readonly onMessage: (from: ReplicaKey, snapshot: InstallSnapshot) => void;
}

interface Download {
  readonly from: ReplicaKey;
  begin: SnapshotBegin;
  readonly parts: SnapshotParts;
  /** Null: the stream broke, and another stream may continue the download. */
  stream: Incoming | null;
}

/**
 * The receiving side of these streams, after the hello. It keeps the chunks of one snapshot only: the one that was begun last.
 */
export class SnapshotDownloads {
  readonly #options: DownloadOptions;
  #download: Download | null = null;

  constructor(options: DownloadOptions) {
    this.#options = options;
  }

  /** Throws `MalformedError`. */
  receive(stream: Incoming, from: ReplicaKey, message: SnapshotFrame): void {
    const download = this.#download;
    if (message.type === 'begin') {
      this.#begin(stream, from, message);
      return;
    }
    if (message.type !== 'chunk') throw new MalformedError('a second hello');
    // There is no download, or a newer stream has continued it.
    if (download === null || download.stream !== stream)
      throw new MalformedError('a snapshot chunk before the begin of its snapshot');
    try {
      download.parts.add(message.bytes);
    } catch (error) {
      this.#download = null;
      throw error;
    }
    this.#finishWhenWhole(stream, download);
  }

  /** Called when a stream has ended. The received chunks are kept, so that the sender can continue. */
  closed(stream: Incoming): void {
    if (this.#download?.stream === stream) this.#download.stream = null;
  }

  #begin(stream: Incoming, from: ReplicaKey, begin: SnapshotBegin): void {
    const fault = epochFault(begin.epoch) ?? epochFault(begin.snapshotEpoch, begin.epoch);
    if (fault !== null) throw new MalformedError(fault);
    if (!isQuorum(begin.voters)) throw new MalformedError('a snapshot without voters, or with one twice');
    // A process that does not lead must not fill the memory of this one.
    if (!this.#options.isLeader(from))
      throw new MalformedError('a snapshot of a node that this one does not follow');
    const before = this.#download;
    // Snapshots of two replicas with the same end offset have the same content. Still, only chunks of one sender are combined,
    // so that the code does not rely on equal bytes.
    const isSame =
      before !== null &&
      sameReplica(before.from, from) &&
      before.begin.endOffset === begin.endOffset &&
      before.begin.snapshotEpoch === begin.snapshotEpoch &&
      before.parts.sizeBytes === begin.sizeBytes;
    const download = isSame ? before : { from, begin, parts: new SnapshotParts(begin.sizeBytes), stream };
    if (before !== null && before.stream !== null && before.stream !== stream) before.stream.close();
    download.begin = begin;
    download.stream = stream;
    this.#download = download;
    stream.send({ type: 'from', offset: download.parts.receivedBytes });
    this.#finishWhenWhole(stream, download);
  }

  #finishWhenWhole(stream: Incoming, { from, begin, parts }: Download): void {
    if (!parts.isWhole) return;
    this.#download = null;
    const { epoch, endOffset, snapshotEpoch, voters } = begin;
    this.#options.onMessage(from, {
      type: 'snapshot',
      epoch,
      endOffset,
      snapshotEpoch,
      voters,
      bytes: parts.whole(),
    });
    stream.send({ type: 'received' });
  }
}
