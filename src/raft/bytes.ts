/**
 * Writing and reading of the core's own binary forms: big-endian, int64 as safe integers, text as UTF-8 with a length.
 * Readers check every bound and throw `MalformedError`; what they return as bytes are views.
 */
import { type Uuid, uuidFromBytes, uuidToBytes } from '../base/uuid.ts';
import type { Endpoint, Entry, EntryKind, ReplicaKey, Voter } from './types.ts';
import { nodeId } from '../base/ids.ts';

/** Bytes of a peer or of the disk that aren't what they should be. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

const kinds: readonly EntryKind[] = ['data', 'leaderChange', 'voters'];
export const votersMax = 1000;
const endpointsMax = 100;

/** UTF-8 by what the language itself has: encoders are the platform's, which pure folders don't use. For short texts. */
function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text);
  const bytes: number[] = [];
  for (let at = 0; at < escaped.length; at++) {
    if (escaped[at] !== '%') bytes.push(escaped.charCodeAt(at));
    else {
      bytes.push(Number.parseInt(escaped.slice(at + 1, at + 3), 16));
      at += 2;
    }
  }
  return Uint8Array.from(bytes);
}

function textOf(bytes: Uint8Array): string {
  let escaped = '';
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    return decodeURIComponent(escaped);
  } catch {
    throw new MalformedError('a text is not UTF-8');
  }
}

export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  constructor(sizeBytes = 128) {
    this.#bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get sizeBytes(): number {
    return this.#at;
  }

  u8(value: number): void {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
  }

  i32(value: number): void {
    const at = this.#room(4);
    this.#view.setInt32(at, value);
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value);
  }

  i64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new MalformedError(`${value} is not a safe integer`);
    const at = this.#room(8);
    this.#view.setInt32(at, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(at + 4, value >>> 0);
  }

  uuid(value: Uuid): void {
    const at = this.#room(16);
    uuidToBytes(value, this.#bytes, at);
  }

  text(value: string): void {
    this.bytes(utf8(value));
  }

  /** Length and content. */
  bytes(value: Uint8Array): void {
    this.u32(value.length);
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
  }

  replica(key: ReplicaKey): void {
    this.i32(key.id);
    this.uuid(key.directoryId);
  }

  entry(entry: Entry): void {
    this.i64(entry.epoch);
    this.u8(kinds.indexOf(entry.kind));
    this.i64(entry.appendedMs);
    this.bytes(entry.payload);
  }

  voters(voters: readonly Voter[]): void {
    this.u32(voters.length);
    for (const voter of voters) {
      this.replica(voter);
      this.endpoints(voter.endpoints);
    }
  }

  endpoints(endpoints: readonly Endpoint[]): void {
    this.u32(endpoints.length);
    for (const endpoint of endpoints) {
      this.text(endpoint.name);
      this.text(endpoint.host);
      this.i32(endpoint.port);
    }
  }

  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** What was written; the writer is not to be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Where the next `count` bytes go. May replace `#bytes` and `#view`: call it before either is used. */
  #room(count: number): number {
    const at = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  i64(): number {
    const at = this.#take(8);
    const value = this.#view.getInt32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4);
    if (!Number.isSafeInteger(value)) throw new MalformedError('an integer is out of range');
    return value;
  }

  uuid(): Uuid {
    return uuidFromBytes(this.#bytes, this.#take(16));
  }

  text(): string {
    return textOf(this.bytes());
  }

  bytes(): Uint8Array {
    const length = this.u32();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A count of things of at least `sizeBytesMin` each, so that it can't ask for more than is there. */
  count(max: number, sizeBytesMin: number): number {
    const count = this.u32();
    if (count > max || count * sizeBytesMin > this.remaining) {
      throw new MalformedError(`a count of ${count} is more than its message holds`);
    }
    return count;
  }

  replica(): ReplicaKey {
    const id = nodeId(this.i32());
    return { id, directoryId: this.uuid() };
  }

  entry(offset: number): Entry {
    const epoch = this.i64();
    const kind = kinds[this.u8()];
    if (kind === undefined) throw new MalformedError('an entry has an unknown kind');
    const appendedMs = this.i64();
    return { offset, epoch, kind, payload: this.bytes(), appendedMs };
  }

  voters(): Voter[] {
    const voters: Voter[] = [];
    for (let left = this.count(votersMax, 24); left > 0; left--) {
      const key = this.replica();
      voters.push({ ...key, endpoints: this.endpoints() });
    }
    return voters;
  }

  endpoints(): Endpoint[] {
    const endpoints: Endpoint[] = [];
    for (let left = this.count(endpointsMax, 12); left > 0; left--) {
      endpoints.push({ name: this.text(), host: this.text(), port: this.i32() });
    }
    return endpoints;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new MalformedError('a message ends too early');
    this.#at += count;
    return at;
  }
}
