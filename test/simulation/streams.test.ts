import { expect, test } from 'vitest';
import type { Channel, MessageStream, PeerMessage } from '../../src/base/network.ts';
import { StreamHub, streamPair } from '../../src/simulation/streams.ts';

interface Numbered extends PeerMessage {
  readonly number: number;
}

const channel: Channel<Numbered, Numbered> = { name: 'replication' };

const numbered = (number: number): Numbered => ({ type: 'one', number });

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

test('messages arrive in order in a later turn; onDrain is called when there is room again', () => {
  const turns = new Turns();
  const [left, right] = streamPair(turns, 10);
  const got: number[] = [];
  let drains = 0;
  right.onMessage = (message): void => void got.push((message as Numbered).number);
  left.onDrain = (): void => void drains++;
  expect(left.send(numbered(1))).toBe(true);
  expect(left.send(numbered(2))).toBe(false);
  expect(got).toEqual([]);
  turns.run();
  expect(got).toEqual([1, 2]);
  expect(drains).toBe(1);
});

test('a hub connects hosts; isolate() breaks the streams of a host and refuses new ones', () => {
  const turns = new Turns();
  const hub = new StreamHub(turns);
  let accepted: unknown = null;
  let ends = 0;
  hub.join('b').accept(channel, (stream) => {
    accepted = stream;
    stream.onClose = (): void => void ends++;
  });
  const open = (): MessageStream<Numbered, Numbered> => {
    const stream = hub.join('a').open({ host: 'b', port: 1 }, channel);
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
