import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameReader } from '../../../src/broker/pipeline/frame-reader.ts';

function framed(payload: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(payload.length);
  return Buffer.concat([size, payload]);
}

function drain(reader: FrameReader): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push(frame);
  return frames;
}

describe('frame reader', () => {
  test('returns the same frames, whatever the chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1 }),
        (payloads, cuts) => {
          const stream = Buffer.concat(payloads.map(framed));
          const reader = new FrameReader(1000, () => true);
          const frames: Uint8Array[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const count = cuts[i % cuts.length] as number;
            reader.push(stream.subarray(at, at + count));
            at += count;
            frames.push(...drain(reader));
          }
          expect(frames.map((frame) => [...frame])).toEqual(payloads.map((payload) => [...payload]));
          expect(reader.midFrame).toBe(false);
          expect(reader.reservedBytes).toBe(0);
        },
      ),
    );
  });

  test('returns a frame that is in one chunk without a copy', () => {
    const chunk = framed(Buffer.from('hello'));
    const reader = new FrameReader(100, () => true);
    reader.push(chunk);
    expect(reader.next()?.buffer).toBe(chunk.buffer);
  });

  test.each([
    ['negative', [0xff, 0xff, 0xff, 0xff]],
    ['one byte above the limit', [0, 0, 0, 101]],
    ['GET ', [0x47, 0x45, 0x54, 0x20]],
    ['a TLS hello', [0x16, 0x03, 0x01, 0x02]],
  ])('refuses a size that is %s', (_name, bytes) => {
    const reader = new FrameReader(100, () => true);
    reader.push(Uint8Array.from(bytes));
    expect(() => reader.next()).toThrow(/frame of/);
  });

  test('reads no body before the budget has room, and goes on when it has', () => {
    const asked: number[] = [];
    const reader = new FrameReader(100, (size) => {
      asked.push(size);
      return false;
    });
    reader.push(framed(Buffer.from('0123456789')));
    expect(reader.next()).toBeNull();
    expect(reader.blocked).toBe(true);
    expect(reader.wantedBytes).toBe(10);
    expect(reader.reservedBytes).toBe(0);
    reader.grant();
    expect(Buffer.from(reader.next() as Uint8Array).toString()).toBe('0123456789');
    expect(reader.blocked).toBe(false);
    expect(asked).toEqual([10]);
  });

  test('keeps the reservation of an unfinished frame', () => {
    const reader = new FrameReader(100, () => true);
    reader.push(framed(Buffer.alloc(50)).subarray(0, 20));
    expect(reader.next()).toBeNull();
    expect(reader.reservedBytes).toBe(50);
    expect(reader.midFrame).toBe(true);
  });
});
