import { expect, test } from 'vitest';
import type { MessageStream } from '../../src/base/network.ts';
import { StreamHub, streamPair } from '../../src/simulation/streams.ts';

class Turns {
  readonly queue: (() => void)[] = [];
  after(): never {
    throw new Error('not used');
  }
  soon(callback: () => void): void {
    this.queue.push(callback);
  }
  run(): void {
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) next();
  }
}

test('messages arrive in order, in later turns, and say when there is room again', () => {
  const turns = new Turns();
  const [left, right] = streamPair(turns, 3);
  const got: number[] = [];
  let drains = 0;
  right.onMessage = (message): void => void got.push(message[0] as number);
  left.onDrain = (): void => void drains++;
  expect(left.send(Uint8Array.of(1, 1))).toBe(true);
  expect(left.send(Uint8Array.of(2, 2))).toBe(false);
  expect(got).toEqual([]);
  turns.run();
  expect(got).toEqual([1, 2]);
  expect(drains).toBe(1);
});

test('a hub connects hosts; an isolated host is refused and its streams break', () => {
  const turns = new Turns();
  const hub = new StreamHub(turns);
  let accepted: MessageStream | null = null;
  let ends = 0;
  hub.join('b').accept('replication', (stream) => {
    accepted = stream;
    stream.onClose = (): void => void ends++;
  });
  const open = (): MessageStream => {
    const stream = hub.join('a').open({ host: 'b', port: 1 }, 'replication');
    stream.onClose = (error): void => void (error !== null && ends++);
    return stream;
  };
  open();
  turns.run();
  expect(accepted).not.toBeNull();
  hub.isolate('b');
  expect(ends).toBe(2);
  open();
  turns.run();
  expect(ends).toBe(3);
  hub.restore('b');
  const again = open();
  turns.run();
  again.close();
  turns.run();
  expect(ends).toBe(4);
});
