import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeBytesMax } from '../../../src/broker/limits.ts';
import { OutputQueue } from '../../../src/broker/pipeline/output-queue.ts';

describe('output queue', () => {
  test('writes bytes in order and in slices, and pauses while the socket is full', () => {
    const message = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 20 }),
        fc.array(fc.boolean(), { minLength: 1 }),
        (messages, full) => {
          const written: number[] = [];
          let call = 0;
          const queue = new OutputQueue({
            write(buffers) {
              for (const buffer of buffers) written.push(...buffer);
              return full[call++ % full.length] === true;
            },
          });
          let sent = 0;
          for (const buffers of messages) queue.add(buffers, () => sent++);
          queue.flush();
          for (let i = 0; i < 1000 && !(queue.empty && !queue.full); i++) queue.drained();
          expect(written).toEqual(messages.flat().flatMap((buffer) => [...buffer]));
          expect(sent).toBe(messages.length);
        },
      ),
    );
  });

  test('writes the next slice of a large message when the socket has drained', () => {
    const sizes: number[] = [];
    const queue = new OutputQueue({
      write(buffers) {
        sizes.push(buffers.reduce((sum, buffer) => sum + buffer.length, 0));
        return false;
      },
    });
    let sent = false;
    queue.add([new Uint8Array(10), new Uint8Array(2.5 * writeBytesMax)], () => {
      sent = true;
    });
    queue.flush();
    expect(sizes).toEqual([writeBytesMax]);
    queue.drained();
    expect(sent).toBe(false);
    queue.drained();
    expect(sizes.reduce((a, b) => a + b)).toBe(2.5 * writeBytesMax + 10);
    expect(sent).toBe(true);
  });

  test('calls each pending callback when it is closed', () => {
    const queue = new OutputQueue({ write: () => false });
    let told = 0;
    queue.add([new Uint8Array(1)], () => told++);
    queue.flush();
    queue.add([new Uint8Array(1)], () => told++);
    queue.close();
    expect(told).toBe(2);
  });
});
