/**
 * Snapshots between voters, on channel 'raft-bulk', so that they never delay a heartbeat. The sender opens a stream:
 *
 *   hello | begin {epoch, end offset, snapshot epoch, voters, size} | chunks of 256 KiB …      and back: hello | received
 *
 * `received` means that the whole of it reached the other's core; its durable acknowledgement is an ordinary Raft message.
 */
import type { Scheduler, Timer } from '../../base/clock.ts';
import type { MessageStream } from '../../base/network.ts';
import { ByteReader, ByteWriter, MalformedError } from '../../raft/bytes.ts';
import type { InstallSnapshot } from '../../raft/messages.ts';

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
  #at = 0;
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
    stream.send(hello);
    stream.send(encodeBegin(snapshot));
    this.#pump();
  }

  #pump(): void {
    const { stream, snapshot } = this.#options;
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
      return;
    }
    this.#finish(true);
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

/** The other side of one such stream, after its hello. */
export class SnapshotReceiver {
  readonly #onSnapshot: (snapshot: InstallSnapshot) => void;
  #begin: Omit<InstallSnapshot, 'bytes'> | null = null;
  #sizeBytes = 0;
  readonly #chunks: Uint8Array[] = [];
  #receivedBytes = 0;

  constructor(onSnapshot: (snapshot: InstallSnapshot) => void) {
    this.#onSnapshot = onSnapshot;
  }

  /** True when that was the last of it. Throws `MalformedError`. */
  receive(bytes: Uint8Array): boolean {
    if (this.#begin === null) {
      const { begin, sizeBytes } = decodeBegin(bytes);
      this.#begin = begin;
      this.#sizeBytes = sizeBytes;
    } else {
      this.#chunks.push(bytes);
      this.#receivedBytes += bytes.length;
    }
    if (this.#receivedBytes > this.#sizeBytes)
      throw new MalformedError('a snapshot is longer than announced');
    if (this.#receivedBytes < this.#sizeBytes) return false;
    const whole = new Uint8Array(this.#sizeBytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#onSnapshot({ ...this.#begin, bytes: whole });
    return true;
  }
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
