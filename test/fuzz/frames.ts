/** Frames for the fuzzer: valid requests, requests with one mistake, and random bytes. All are drawn from one seed. */
import fc from 'fast-check';
import type { SeededRandom as Random } from '../../src/simulation/random.ts';
import { encode } from '../../src/protocol/codec/codec.ts';
import { requestFrame } from '../../src/protocol/frames.ts';
import type { Message } from '../../src/protocol/schema/fields.ts';
import { allMessages } from '../protocol/all-messages.ts';
import { shapeOf } from '../protocol/arbitraries.ts';

/** UnregisterBroker and changes of voters: with the right number they end a node's part in the cluster, as they should. */
const ending: readonly number[] = [64, 80, 81, 82];

export const requests: readonly Message[] = allMessages.filter(
  ({ name, key }) => key >= 0 && name.endsWith('Request') && !ending.includes(key),
);

/** Words that mean something to the node: random text seldom does. */
const words = [
  'kept',
  'fuzz',
  '__consumer_offsets',
  '__transaction_state',
  'group',
  'transaction',
  '',
  '1',
  'range',
  'uniform',
  'cleanup.policy',
  'compact',
];
const numbers = [0, 1, 2, 3, -1, -2, 2 ** 31 - 1, -(2 ** 31)];
const longs = [...numbers, 2 ** 53, 2 ** 63, -(2 ** 63)];

/** Values with some of their texts and numbers replaced by ones that the node knows. */
function seasoned(value: unknown, random: Random): unknown {
  if (typeof value === 'string' && random.chance(0.5)) return pick(words, random);
  if (typeof value === 'number' && Number.isInteger(value) && random.chance(0.5))
    return pick(Math.abs(value) > 2 ** 31 ? longs : numbers, random);
  if (Array.isArray(value)) return value.map((one) => seasoned(one, random));
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, seasoned(one, random)]));
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[random.u32() % list.length] as T;
}

function bodiesOf(
  message: Message,
  apiVersion: number,
  count: number,
  seed: number,
): Record<string, unknown>[] {
  return fc.sample(shapeOf(message.fields, apiVersion), { numRuns: count, seed });
}

function frameOf(message: Message, apiVersion: number, body: unknown): Buffer | null {
  try {
    encode(message, apiVersion, body as never);
    return Buffer.concat(
      requestFrame(message, { apiVersion, correlationId: 7, clientId: 'fuzz' }, body as never),
    );
  } catch {
    // The seasoning put a number where the field has less room.
    return null;
  }
}

/** One thing wrong: a byte, a length, the end, the version. */
function spoilt(frame: Buffer, random: Random): Buffer {
  const bad = Buffer.from(frame);
  const at = 4 + (random.u32() % Math.max(1, bad.length - 4));
  switch (random.u32() % 5) {
    case 0:
      bad[at] = random.u32() & 255;
      return bad;
    case 1:
      if (at + 4 <= bad.length) bad.writeInt32BE(pick([-1, -2, 0, 2 ** 31 - 1, 1_000_000], random), at);
      return bad;
    case 2: {
      const short = bad.subarray(0, at);
      if (short.length >= 4) short.writeInt32BE(short.length - 4, 0);
      return short;
    }
    case 3: {
      const long = Buffer.concat([bad, Buffer.alloc(random.u32() % 300, random.u32() & 255)]);
      long.writeInt32BE(long.length - 4, 0);
      return long;
    }
    default:
      bad.writeInt16BE((random.u32() % 30) - 2, 6);
      return bad;
  }
}

/** `count` frames of one API and version; about half are valid. */
export function framesOf(random: Random, count: number): Buffer[] {
  const message = pick(requests, random);
  const { min, max } = message.versions;
  const apiVersion = min + (random.u32() % (max - min + 1));
  const frames: Buffer[] = [];
  for (const body of bodiesOf(message, apiVersion, count, random.u32() & 0x7fff_ffff)) {
    const frame = frameOf(message, apiVersion, seasoned(body, random)) ?? frameOf(message, apiVersion, body);
    if (frame !== null) frames.push(random.chance(0.5) ? frame : spoilt(frame, random));
  }
  return frames;
}

/** The API, version and body of a valid request of one of `apiKeys`, as a node sends it to another one; null: not encodable. */
export function callOf(
  random: Random,
  apiKeys: readonly number[],
): { apiKey: number; apiVersion: number; body: Uint8Array } | null {
  const message = pick(
    requests.filter(({ key }) => apiKeys.includes(key)),
    random,
  );
  const { min, max } = message.versions;
  const apiVersion = min + (random.u32() % (max - min + 1));
  const [body] = bodiesOf(message, apiVersion, 1, random.u32() & 0x7fff_ffff);
  try {
    const bytes = encode(message, apiVersion, seasoned(body, random) as never);
    return { apiKey: message.key, apiVersion, body: bytes };
  } catch {
    // The seasoning put a number where the field has less room.
    return null;
  }
}

/** What no protocol has, or the beginning of gRPC's and of HTTP's. */
export function noise(random: Random): Buffer {
  const starts = ['', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET / HTTP/1.1\r\n', '\x16\x03\x01'];
  const rest = Buffer.from(Array.from({ length: random.u32() % 400 }, () => random.u32() & 255));
  return Buffer.concat([Buffer.from(pick(starts, random), 'latin1'), rest]);
}
