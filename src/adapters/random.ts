/**
 * Random numbers from the operating system's cryptographic source. They are read in blocks, because each call of the source
 * takes about a microsecond.
 */
import { randomFillSync } from 'node:crypto';
import type { Random } from '../base/random.ts';

const poolWords = 1024;

export function createSystemRandom(): Random {
  const pool = new Uint32Array(poolWords);
  let used = poolWords;
  return {
    u32() {
      if (used === poolWords) {
        randomFillSync(pool);
        used = 0;
      }
      return pool[used++] as number;
    },
    bytes: (count) => randomFillSync(new Uint8Array(count)),
  };
}
