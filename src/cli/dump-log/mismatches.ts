/** Collects the mismatches that a dump finds in each file, as pairs of numbers, and prints them at the end. */
import { resolve } from 'node:path';
import { hashMapOrder } from '../text/java-order.ts';
import type { CliIo } from '../tool.ts';

export class Mismatches {
  readonly #heading: (path: string) => string;
  readonly #line: (first: number, second: number) => string;
  /**
   * For each file: the second number of each pair by the first one. A later pair with the same first number replaces the
   * earlier one.
   */
  readonly #pairs = new Map<string, Map<number, number>>();

  constructor(heading: (path: string) => string, line: (first: number, second: number) => string) {
    this.#heading = heading;
    this.#line = line;
  }

  add(file: string, first: number, second: number): void {
    const path = resolve(file);
    const ofFile = this.#pairs.get(path) ?? new Map<number, number>();
    this.#pairs.set(path, ofFile.set(first, second));
  }

  print(io: CliIo): void {
    for (const [path, pairs] of hashMapOrder([...this.#pairs], ([key]) => key)) {
      io.stderr(`${this.#heading(path)}\n`);
      for (const [first, second] of pairs) io.stderr(`${this.#line(first, second)}\n`);
    }
  }
}
