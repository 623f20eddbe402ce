/**
 * The witness: a small file outside of LevelDB with the number of the last durable write. LevelDB can lose its newest writes
 * without notice: by a flipped bit, a truncated or missing log file of its own, or an old copy that was put back. Then its
 * newest write is older than the witness. The file has two copies in separate blocks. They are overwritten in turn, so that a
 * write that is interrupted leaves the other copy intact.
 *
 *   copy: magic 4 | version 1 | crc32c 4 (over what follows) | directory id 16 | generation 8
 *
 * A later version may only add fields at the end, which this CRC does not cover.
 */
import { crc32c } from '../../base/crc32c.ts';
import { type FileHandle, type FileSystem, replaceFile } from '../../base/file-system.ts';
import { LaterReleaseError } from '../../base/later-release.ts';
import { MalformedError } from '../../base/protobuf.ts';
import { type Uuid, uuidToBytes } from '../../base/uuid.ts';
import { FixedReader } from '../../raft/fixed-reader.ts';

const magic = 0x42575453;
const version = 1;
const crcAt = 5;
const crcEnd = 9;
const copyBytes = 33;
/** The size of a block of the disk. An interrupted write damages only one block. */
const blockBytes = 4096;

export interface WitnessOptions {
  readonly fs: FileSystem;
  readonly path: string;
  /** The directory id from formatting. A witness with another id was written before the directory was formatted again. */
  readonly directoryId: Uuid;
}

/** `foreign`: the witness was written before the directory was formatted. */
export interface WitnessState {
  readonly kind: 'missing' | 'foreign' | 'found';
  /** The number of the last durable write; 0 when there was none. */
  readonly generation: number;
}

export class Witness {
  readonly #options: WitnessOptions;
  #file: FileHandle | null = null;

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** Throws `MalformedError` when neither of the two copies can be read, `LaterReleaseError` for an unknown version. */
  async read(): Promise<WitnessState> {
    const { fs, path, directoryId } = this.#options;
    if ((await fs.stat(path)) === null) return { kind: 'missing', generation: 0 };
    const content = await fs.readFile(path);
    const copies = [0, blockBytes].map((at) => decodeCopy(content.subarray(at, at + copyBytes)));
    const whole = copies.filter((copy) => copy !== null);
    if (whole.length === 0) throw new MalformedError('neither copy can be read');
    const own = whole.filter((copy) => copy.directoryId === directoryId);
    const newest = Math.max(...(own.length > 0 ? own : whole).map(({ generation }) => generation));
    return { kind: own.length > 0 ? 'found' : 'foreign', generation: newest };
  }

  /** Creates the file, with both copies. */
  async create(generation: number): Promise<void> {
    const { fs, path } = this.#options;
    const content = new Uint8Array(2 * blockBytes);
    content.set(this.#encode(generation), 0);
    content.set(this.#encode(generation), blockBytes);
    await replaceFile(fs, path, content);
  }

  /**
   * Stores the number of a write. Must be called after the write is durable in the database and before the node sends any
   * message that depends on the write.
   */
  async advance(generation: number): Promise<void> {
    this.#file ??= await this.#options.fs.open(this.#options.path, 'write');
    await this.#file.write([this.#encode(generation)], (generation % 2) * blockBytes);
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  #encode(generation: number): Uint8Array {
    const bytes = new Uint8Array(copyBytes);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, magic);
    view.setUint8(4, version);
    uuidToBytes(this.#options.directoryId, bytes, crcEnd);
    view.setUint32(25, Math.floor(generation / 2 ** 32));
    view.setUint32(29, generation % 2 ** 32);
    view.setUint32(crcAt, crc32c(bytes, 0, crcEnd));
    return bytes;
  }
}

/** Returns null when the copy is incomplete or damaged. Throws `LaterReleaseError`. */
function decodeCopy(bytes: Uint8Array): { directoryId: Uuid; generation: number } | null {
  if (bytes.length < copyBytes) return null;
  const reader = new FixedReader(bytes);
  const isCopy = reader.u32() === magic;
  const found = reader.u8();
  if (!isCopy || found < version || reader.u32() !== crc32c(bytes, 0, crcEnd)) return null;
  if (found > version) throw new LaterReleaseError(`it has version ${found}, known is ${version}`);
  return { directoryId: reader.uuid(), generation: reader.i64() };
}
