/** Member ids that the coordinator chooses: the client id (or instance id) and a random UUID. */
import type { Random } from '../base/random.ts';

export function memberIdFor(random: Random, name: string): string {
  return `${name}-${hexUuid(random.bytes(16))}`;
}

function hexUuid(bytes: Uint8Array): string {
  const hex = [...bytes].map((byte, i) => {
    const value = i === 6 ? (byte & 0x0f) | 0x40 : i === 8 ? (byte & 0x3f) | 0x80 : byte;
    return value.toString(16).padStart(2, '0');
  });
  const part = (from: number, to: number) => hex.slice(from, to).join('');
  return [part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 16)].join('-');
}
