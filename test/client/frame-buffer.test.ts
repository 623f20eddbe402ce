import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameBuffer } from '../../src/client/frame-buffer.ts';

function framed(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setInt32(0, body.length);
  frame.set(body, 4);
  return frame;
}

test('FrameBuffer gives the same frames for chunks of any size', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 });
  fc.assert(
    fc.property(bodies, fc.integer({ min: 1, max: 13 }), (frames, step) => {
      const bytes = new Uint8Array(frames.flatMap((body) => [...framed(body)]));
      const buffer = new FrameBuffer();
      const seen: number[][] = [];
      for (let at = 0; at < bytes.length; at += step) {
        buffer.push(bytes.subarray(at, at + step));
        for (let frame = buffer.shift(); frame !== null; frame = buffer.shift()) seen.push([...frame]);
      }
      expect(seen).toEqual(frames.map((body) => [...body]));
    }),
  );
});

test('FrameBuffer refuses a negative length', () => {
  const buffer = new FrameBuffer();
  buffer.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
  expect(() => buffer.shift()).toThrow('-1 bytes');
});
