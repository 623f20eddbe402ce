/**
 * Checks LevelDB's tables before LevelDB reads them. LevelDB itself does not verify the blocks of a table. At a damaged key an
 * assertion in its C++ code ends the process without a message about the damage.
 *
 *   table:  blocks, metaindex block, index block (last key -> handle of a block), footer
 *   footer: handle of the metaindex, handle of the index, padding up to 40 bytes | magic 8
 *   handle: offset and size, varints. A block is followed by its type (1 byte) and a masked CRC-32C of block and type.
 */
import { crc32c } from '../../base/crc32c.ts';
import type { FileSystem } from '../../base/file-system.ts';

const footerBytes = 48;
const trailerBytes = 5;
const magic = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);
const maskDelta = 0xa282ead8;

interface Handle {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Reads the numbers in a table. Throws `RangeError` when a number points outside of the table. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number does not end');
  }

  handle(): Handle {
    return { offset: this.varint(), sizeBytes: this.varint() };
  }

  skip(sizeBytes: number): void {
    this.#at += sizeBytes;
    if (this.#at > this.#bytes.length) throw new RangeError('an entry is longer than its block');
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true);
}

/** Returns a block without its type and CRC. Throws `RangeError` when the CRC does not match. */
function checkedBlock(table: Uint8Array, { offset, sizeBytes }: Handle): Uint8Array {
  const end = offset + sizeBytes;
  if (end + trailerBytes > table.length)
    throw new RangeError(`a block at ${offset} points outside of the file`);
  const rotated = (u32(table, end + 1) - maskDelta) >>> 0;
  const crc = ((rotated >>> 17) | (rotated << 15)) >>> 0;
  if (crc !== crc32c(table, 0, offset, end + 1))
    throw new RangeError(`the block at ${offset} does not match its checksum`);
  return table.subarray(offset, end);
}

/** Returns the handles of all data blocks. `index` is the index block, which is not compressed. */
function handlesOf(index: Uint8Array): Handle[] {
  const restarts = u32(index, index.length - 4);
  const end = index.length - 4 * (restarts + 1);
  const cursor = new Cursor(index);
  const handles: Handle[] = [];
  while (cursor.at < end) {
    // An entry has the number of bytes that its key shares with the key before, the rest of the key, and the value.
    cursor.varint();
    const keyBytes = cursor.varint();
    cursor.varint();
    cursor.skip(keyBytes);
    handles.push(cursor.handle());
  }
  return handles;
}

/**
 * Returns why a table is damaged, or null. A table without a footer is not damaged: it was being written when the node stopped.
 */
export function tableProblem(table: Uint8Array): string | null {
  const footerAt = table.length - footerBytes;
  if (footerAt < 0 || magic.some((byte, i) => table[table.length - magic.length + i] !== byte)) return null;
  try {
    const footer = new Cursor(table, footerAt);
    checkedBlock(table, footer.handle());
    for (const handle of handlesOf(checkedBlock(table, footer.handle()))) checkedBlock(table, handle);
    return null;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

/** Returns why a table of the database in `directory` is damaged, or null. The directory may not exist. */
export async function tablesProblem(fs: FileSystem, directory: string): Promise<string | null> {
  if ((await fs.stat(directory)) === null) return null;
  for (const name of await fs.list(directory)) {
    if (!/\.(ldb|sst)$/.test(name)) continue;
    const problem = tableProblem(await fs.readFile(`${directory}/${name}`));
    if (problem !== null) return `${name}: ${problem}`;
  }
  return null;
}
