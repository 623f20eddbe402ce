/**
 * Snapshots between controllers, on channel 'raft-bulk', so that they never delay a heartbeat. The sender opens a stream:
 *
 *   hello | begin {epoch, end offset, snapshot epoch, voters, size} | chunks of 256 KiB …      and back: hello | from {offset} | received
 *
 * `from` says how much of this snapshot a stream that broke has brought already; the sender goes on there, and never has
 * more on its way than the stream takes. `received` means that the whole of it reached the other's core; its durable
 * acknowledgement is an ordinary Raft message.
 */
import type { Scheduler, Timer } from '../../base/clock.ts';
import type { MessageStream } from '../../base/network.ts';
import { ByteReader, ByteWriter, MalformedError } from '../../raft/bytes.ts';
import type { InstallSnapshot } from '../../raft/messages.ts';
import { type ReplicaKey, sameReplica } from '../../raft/types.ts';

const chunkBytes = 256 * 1024;
const snapshotBytesMax = 2 ** 31;
const idleTimeoutMs = 30_000;

export interface SendSnapshotOptions {
  readonly stream: MessageStream;
  readonly hello: Uint8Array;
  readonly checkHello: (bytes: Uint8Array) => boolean;
  readonly snapshot: InstallSnapshot;
  readonly scheduler: Scheduler;
}

/** Resolves to whether the other side received all of it. */
export function sendSnapshot(options: SendSnapshotOptions): Promise<boolean> {
  return new Promise((resolve) => {
    new SnapshotSender(options, resolve).start();
  });
}

class SnapshotSender {
  readonly #options: SendSnapshotOptions;
  readonly #done: (ok: boolean) => void;
  /** Null until the other side has said from where. */
  #at: number | null = null;
  #greeted = false;
  #timer: Timer | null = null;

  constructor(options: SendSnapshotOptions, done: (ok: boolean) => void) {
    this.#options = options;
    this.#done = done;
  }

  start(): void {
    const { stream, hello, snapshot } = this.#options;
    stream.onMessage = (bytes) => this.#received(bytes);
    stream.onDrain = () => this.#pump();
    stream.onClose = () => this.#finish(false);
    this.#touch();
    stream.send(hello);
    stream.send(encodeBegin(snapshot));
  }

  #pump(): void {
    const { stream, snapshot } = this.#options;
    if (this.#at === null) return;
    this.#touch();
    let room = true;
    while (room && this.#at < snapshot.bytes.length) {
      room = stream.send(snapshot.bytes.subarray(this.#at, this.#at + chunkBytes));
      this.#at += chunkBytes;
    }
  }

  #received(bytes: Uint8Array): void {
    if (!this.#greeted) {
      this.#greeted = this.#options.checkHello(bytes);
      if (!this.#greeted) this.#finish(false);
    } else if (this.#at === null) {
      const from = decodeFrom(bytes);
      if (from === null || from > this.#options.snapshot.bytes.length) this.#finish(false);
      else {
        this.#at = from;
        this.#pump();
      }
    } else this.#finish(true);
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

interface Download {
  readonly from: ReplicaKey;
  begin: Omit<InstallSnapshot, 'bytes'>;
  readonly sizeBytes: number;
  readonly chunks: Uint8Array[];
  receivedBytes: number;
  /** Null: it broke, and the download waits to be resumed. */
  stream: MessageStream | null;
}

/** The other side of these streams, after their hello. Keeps one snapshot at most: the newest that was begun. */
export class SnapshotDownloads {
  readonly #onSnapshot: (from: ReplicaKey, snapshot: InstallSnapshot) => void;
  #download: Download | null = null;

  constructor(onSnapshot: (from: ReplicaKey, snapshot: InstallSnapshot) => void) {
    this.#onSnapshot = onSnapshot;
  }

  /** Throws `MalformedError`. */
  receive(stream: MessageStream, from: ReplicaKey, bytes: Uint8Array): void {
    if (this.#download?.stream !== stream) {
      this.#begin(stream, from, bytes);
      return;
    }
    const download = this.#download;
    download.chunks.push(bytes);
    download.receivedBytes += bytes.length;
    if (download.receivedBytes > download.sizeBytes) {
      this.#download = null;
      throw new MalformedError('a snapshot is longer than announced');
    }
    this.#finishWhenWhole(stream, download);
  }

  /** What came stays, for the sender to go on where it was. */
  closed(stream: MessageStream): void {
    if (this.#download?.stream === stream) this.#download.stream = null;
  }

  #begin(stream: MessageStream, from: ReplicaKey, bytes: Uint8Array): void {
    const { begin, sizeBytes } = decodeBegin(bytes);
    const before = this.#download;
    // A replica has one snapshot with a given end, so the bytes are the same.
    const isSame =
      before !== null &&
      sameReplica(before.from, from) &&
      before.begin.endOffset === begin.endOffset &&
      before.begin.snapshotEpoch === begin.snapshotEpoch &&
      before.sizeBytes === sizeBytes;
    if (before !== null && before.stream !== null) before.stream.close();
    const download = isSame ? before : { from, begin, sizeBytes, chunks: [], receivedBytes: 0, stream };
    download.begin = begin;
    download.stream = stream;
    this.#download = download;
    stream.send(encodeFrom(download.receivedBytes));
    this.#finishWhenWhole(stream, download);
  }

  #finishWhenWhole(stream: MessageStream, download: Download): void {
    if (download.receivedBytes < download.sizeBytes) return;
    this.#download = null;
    const whole = new Uint8Array(download.sizeBytes);
    let at = 0;
    for (const chunk of download.chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#onSnapshot(download.from, { ...download.begin, bytes: whole });
    stream.send(new Uint8Array([1]));
  }
}

function encodeFrom(offset: number): Uint8Array {
  const writer = new ByteWriter(8);
  writer.i64(offset);
  return writer.finish();
}

/** Null for nonsense. */
function decodeFrom(bytes: Uint8Array): number | null {
  const from = bytes.length === 8 ? new ByteReader(bytes).i64() : -1;
  return from < 0 ? null : from;
}

function encodeBegin(snapshot: InstallSnapshot): Uint8Array {
  const writer = new ByteWriter();
  writer.i64(snapshot.epoch);
  writer.i64(snapshot.endOffset);
  writer.i64(snapshot.snapshotEpoch);
  writer.voters(snapshot.voters);
  writer.i64(snapshot.bytes.length);
  return writer.finish();
}

function decodeBegin(bytes: Uint8Array): { begin: Omit<InstallSnapshot, 'bytes'>; sizeBytes: number } {
  const reader = new ByteReader(bytes);
  const epoch = reader.i64();
  const endOffset = reader.i64();
  const snapshotEpoch = reader.i64();
  const voters = reader.voters();
  const sizeBytes = reader.i64();
  if (sizeBytes < 0 || sizeBytes > snapshotBytesMax)
    throw new MalformedError('a snapshot of impossible size');
  return { begin: { type: 'snapshot', epoch, endOffset, snapshotEpoch, voters }, sizeBytes };
}
