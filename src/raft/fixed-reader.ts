/**
 * Reads the storage format of release 0.1, and the fields at the beginning of later formats, such as a version and a CRC:
 * fields in a fixed order, big-endian integers, text as UTF-8 after its length. It throws `MalformedError` for truncated bytes,
 * and for 64-bit integers that are not safe. Byte strings that it returns are views of the input.
 */
import { nodeId } from '../base/ids.ts';
import { MalformedError, textOf } from '../base/protobuf.ts';
import { type Uuid, uuidFromBytes } from '../base/uuid.ts';
import type { Endpoint, Entry, EntryKind, ReplicaKey, Voter } from './types.ts';

const kinds: readonly EntryKind[] = ['data', 'leaderChange', 'voters'];
const entrySizeBytesMin = 21;

export class FixedReader {
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

  /**
   * Reads the number of elements that follow, each of at least `sizeBytesMin` bytes. Throws when the remaining bytes cannot
   * contain that many.
   */
  count(sizeBytesMin: number): number {
    const count = this.u32();
    if (count * sizeBytesMin > this.remaining) {
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

  /** Entries are stored without their offsets, which are contiguous from `baseOffset`. */
  entries(baseOffset: number): Entry[] {
    const entries: Entry[] = [];
    const count = this.count(entrySizeBytesMin);
    for (let i = 0; i < count; i++) entries.push(this.entry(baseOffset + i));
    return entries;
  }

  voters(): Voter[] {
    const voters: Voter[] = [];
    for (let left = this.count(24); left > 0; left--) {
      const key = this.replica();
      voters.push({ ...key, endpoints: this.endpoints() });
    }
    return voters;
  }

  endpoints(): Endpoint[] {
    const endpoints: Endpoint[] = [];
    for (let left = this.count(12); left > 0; left--) {
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
