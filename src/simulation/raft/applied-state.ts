/**
 * The state machine of a simulated replica: its state is a hash over the applied entries in order, so equal hashes mean equal
 * states. Also makes the directory ids of simulated disks.
 */
import type { Entry } from '../../raft/types.ts';

export function directoryOf(index: number, diskLife: number): string {
  const letter = String.fromCharCode(65 + index);
  return `AAAAAAAAAAAAAAAA${String(diskLife).padStart(4, '0')}${letter}A`;
}

export function hashBytes(hash: number): Uint8Array {
  return new Uint8Array([hash >>> 24, (hash >>> 16) & 255, (hash >>> 8) & 255, hash & 255]);
}

export function readHash(bytes: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** The hash after one more entry. */
export function mix(hash: number, { offset, epoch, kind, payload }: Entry): number {
  let value = Math.imul(hash ^ offset, 0x9e3779b1) ^ epoch;
  value = Math.imul(value ^ kind.length, 0x85ebca6b);
  for (let at = 0; at < Math.min(8, payload.length); at++)
    value = Math.imul(value ^ (payload[at] as number), 0x01000193);
  return (value ^ (value >>> 13)) >>> 0;
}
