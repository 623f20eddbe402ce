/**
 * The values of the records that the producer perf test sends: random letters, lines of a file in random order, or increasing
 * numbers.
 */
import { readFileSync, statSync } from 'node:fs';
import { below, type Random } from '../../base/random.ts';
import { type CliIo, ToolError } from '../tool.ts';

/** Returns the value of the record with this number. */
export type Payloads = (index: number) => Uint8Array;

const letterA = 65;
const letterCount = 26;
/** The size of one random text from which all payloads are cut. Making each payload anew would cost more than sending it. */
const poolBytes = 65_536;

export function randomLetters(sizeBytes: number, random: Random): Payloads {
  const pool = random.bytes(poolBytes + sizeBytes).map((byte) => letterA + (byte % letterCount));
  return () => {
    const start = below(random, poolBytes);
    return pool.subarray(start, start + sizeBytes);
  };
}

export function growingNumbers(): Payloads {
  return (index) => Buffer.from(String(index));
}

/** Splits a text file at `delimiter`. Each record gets a part that is chosen at random. */
export function piecesOfFile(path: string, delimiter: string, random: Random, io: CliIo): Payloads {
  const stat = statSync(path, { throwIfNoEntry: false });
  io.stdout(`Reading payloads from: ${path}\n`);
  if (stat === undefined || stat.size === 0) {
    throw new ToolError('java.lang.IllegalArgumentException: File does not exist or empty file provided.');
  }
  const pieces = readFileSync(path, 'utf8').split(delimiter === '\\n' ? /\r?\n/ : delimiter);
  if (pieces.at(-1) === '') pieces.pop();
  io.stdout(`Number of records read: ${pieces.length}\n`);
  const payloads = pieces.map((piece) => Buffer.from(piece));
  return () => payloads[below(random, payloads.length)] as Uint8Array;
}
