import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Address, MessageStream, PeerNetwork } from '../../../src/base/network.ts';
import { helloOf } from '../../../src/base/hello.ts';
import { settle } from '../../broker/harness.ts';
import { messages } from '../../wire/messages.ts';
import { identityOf } from '../identity.ts';
import { ObserverLog } from '../../../src/server/raft/observer-log.ts';
import { SeededRandom } from '../../../src/simulation/random.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';

/** A scheduler whose timers the test runs one by one, in order. */
class Timers {
  nowMs = 0;
  #waiting: { atMs: number; run: () => void }[] = [];

  after(delayMs: number, run: () => void): { cancel: () => void } {
    const timer = { atMs: this.nowMs + delayMs, run };
    this.#waiting.push(timer);
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((one) => one !== timer);
      },
    };
  }

  next(): void {
    const timer = this.#waiting.sort((a, b) => a.atMs - b.atMs).shift();
    if (timer === undefined) throw new Error('nothing is due');
    this.nowMs = timer.atMs;
    timer.run();
  }
}

/** An observer whose streams to voters are `streams`. `errors`: what would end the process. */
async function observer(count: number, onLeader: (id: number | null) => void = () => {}) {
  const addresses: Address[] = Array.from({ length: count }, (_, port) => ({ host: 'voter', port }));
  const streams: (MessageStream & { port: number; isClosed: boolean })[] = [];
  const open = ({ port }: Address): MessageStream => {
    const stream = {
      port,
      isClosed: false,
      onMessage() {},
      onClose() {},
      onDrain() {},
      send: () => true,
      close: () => {
        stream.isClosed = true;
      },
    };
    streams.push(stream);
    return stream;
  };
  const timers = new Timers();
  const errors: unknown[] = [];
  const log = new ObserverLog({
    identity: identityOf(9),
    voters: [],
    bootstrapServers: addresses,
    clock: { monotonicMs: () => timers.nowMs, wallMs: () => timers.nowMs },
    scheduler: { after: (delayMs, run) => timers.after(delayMs, run), soon: (run) => timers.after(0, run) },
    random: new SeededRandom(1),
    peers: { open, accept() {} } as unknown as PeerNetwork,
    logger: silentLogger,
    onFatal: (error) => errors.push(error),
  });
  log.addListener({
    onCommit() {},
    onSnapshot: () => Promise.resolve(),
    onLeaderChange: ({ id }) => onLeader(id),
    onActivated() {},
    onDeactivated() {},
  });
  await log.start();
  return { log, streams, timers, errors };
}

test('an observer tries all voters in turn while none answers', async () => {
  const { log, streams, timers, errors } = await observer(3);
  for (let i = 0; i < 1000 && streams.length < 4; i++) timers.next();
  expect(new Set(streams.map(({ port }) => port))).toEqual(new Set([0, 1, 2]));
  await log.shutdown();
  expect(errors).toEqual([]);
});

const chunk = { type: 'chunk', bytes: new Uint8Array(11) };
const status = { type: 'status', leaderId: 1, epoch: 1, highWatermark: 0, voters: [] };
const begin = { type: 'begin', endOffset: 10, epoch: 1, sizeBytes: 10 };
const entry = { offset: 5, epoch: 2, kind: 'data', payload: new Uint8Array(1), appendedMs: 0 };

test.each([
  ['a snapshot larger than any', [{ ...begin, sizeBytes: 2 ** 50 }]],
  ['a snapshot of an epoch that cannot be', [{ ...begin, epoch: 2 ** 40 }]],
  ['a status with an epoch that cannot be', [{ ...status, epoch: 2 ** 40 }]],
  ['a chunk before its snapshot', [chunk]],
  ['more bytes than the snapshot was to have', [begin, chunk]],
  ['entries that skip some', [{ type: 'entries', baseOffset: 5, entries: [entry] }]],
  ['a second hello', [helloOf(identityOf(1), 9)]],
])('%s ends the stream and nothing else; the observer connects again', async (_what, messages) => {
  const { log, streams, timers, errors } = await observer(1);
  const [stream] = streams;
  stream?.onMessage(helloOf(identityOf(1), 9));
  for (const message of messages) stream?.onMessage(message);
  await settle();
  expect(stream?.isClosed).toBe(true);
  for (let i = 0; i < 10 && streams.length < 2; i++) timers.next();
  expect(streams).toHaveLength(2);
  await log.shutdown();
  expect(errors).toEqual([]);
});

test('an observer knows no leader after no voter has responded, and knows the leader again when one responds', async () => {
  const { log, streams, timers, errors } = await observer(2, (told) => leaders.push(told));
  const leaders: (number | null)[] = [];
  const status = { type: 'status', leaderId: 1, epoch: 7, highWatermark: 0, voters: [] };
  const answer = (stream = streams.at(-1)): void => {
    stream?.onMessage(helloOf(identityOf(1), 9));
    stream?.onMessage(status);
  };
  answer();
  await settle();
  streams.at(-1)?.onClose(new Error('the voter has ended'));
  for (const tried of [1, 2]) {
    expect(log.leader()).toEqual({ id: 1, epoch: 7 });
    while (streams.length < 1 + tried) timers.next();
    streams.at(-1)?.onClose(new Error('the voter has ended'));
  }
  expect(log.leader()).toEqual({ id: null, epoch: 7 });
  while (streams.length < 4) timers.next();
  answer();
  await settle();
  expect(log.leader()).toEqual({ id: 1, epoch: 7 });
  expect(leaders).toEqual([1, null, 1]);
  await log.shutdown();
  expect(errors).toEqual([]);
});

test('no message of a voter ends an observer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...messages.observe.response), { maxLength: 12 }), async (feed) => {
      const { streams, timers, errors, log } = await observer(2);
      let greeted = -1;
      for (const message of feed) {
        while (streams.at(-1)?.isClosed !== false) timers.next();
        const stream = streams.at(-1) as MessageStream;
        if (greeted < streams.length) stream.onMessage(helloOf(identityOf(1), 9));
        greeted = streams.length;
        stream.onMessage(message);
        await settle();
      }
      expect(errors).toEqual([]);
      expect(log.leader().epoch).toBeLessThan(2 ** 31);
    }),
    { numRuns: 200 },
  );
});
