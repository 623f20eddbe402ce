/** Reads a segment file batch by batch, so that the tool needs memory for one batch and not for the whole file. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import {
  type BatchHeader,
  batchField,
  batchHeader,
  batchMagic,
  batchOverheadBytes,
} from '../../protocol/records/batch.ts';
import { readInt32 } from '../../protocol/records/integers.ts';
import { ToolError } from '../tool.ts';

/** The number of bytes that the shortest batch of any format has: size, checksum and attributes. */
const batchBytesMin = 14;

export class LogFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #descriptor: number;

  constructor(path: string) {
    this.path = path;
    this.#descriptor = opened(path);
    this.sizeBytes = fstatSync(this.#descriptor).size;
  }

  /** Yields the batches between two positions. It stops at the first batch that does not end before `to`. */
  *batches(from = 0, to = this.sizeBytes): Generator<{ header: BatchHeader; position: number }> {
    const end = Math.min(to, this.sizeBytes);
    let position = from;
    while (position + batchField.magic < end) {
      const start = this.#read(position, batchField.magic + 1);
      const length = readInt32(start, batchField.batchLength);
      if (length < batchBytesMin) {
        throw new ToolError(
          `Found record size ${length} smaller than minimum record overhead (${batchBytesMin}) in file ${this.path}.`,
        );
      }
      const sizeBytes = length + batchOverheadBytes;
      if (position + sizeBytes > end) return;
      const magic = start[batchField.magic] as number;
      if (magic !== batchMagic) {
        throw new ToolError(
          `${this.path} has a batch of message format ${magic} at position ${position}. This tool reads format 2 only, which Kafka writes since 0.11.`,
        );
      }
      yield { header: batchHeader(this.#read(position, sizeBytes)), position };
      position += sizeBytes;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #read(position: number, sizeBytes: number): Uint8Array {
    const bytes = Buffer.alloc(sizeBytes);
    const count = readSync(this.#descriptor, bytes, 0, sizeBytes, position);
    if (count !== sizeBytes) throw new ToolError(`${this.path} was cut while it was read.`);
    return bytes;
  }
}

function opened(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ToolError(code === 'ENOENT' ? `java.nio.file.NoSuchFileException: ${path}` : message);
  }
}
