import { expect, test } from 'vitest';
import type { Address, MessageStream, PeerNetwork } from '../../../src/base/network.ts';
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

test('observer: a voter that does not answer is left for the next, and all get their turn', async () => {
  const addresses: Address[] = [1, 2, 3].map((port) => ({ host: 'voter', port }));
  const opened: number[] = [];
  const open = (address: Address): MessageStream => {
    opened.push(address.port);
    return { onMessage() {}, onClose() {}, onDrain() {}, send: () => true, close() {} };
  };
  const timers = new Timers();
  const log = new ObserverLog({
    identity: identityOf(9),
    voters: [],
    bootstrapServers: addresses,
    clock: { monotonicMs: () => timers.nowMs, wallMs: () => timers.nowMs },
    scheduler: { after: (delayMs, run) => timers.after(delayMs, run), soon: (run) => timers.after(0, run) },
    random: new SeededRandom(1),
    peers: { open, accept() {} } as unknown as PeerNetwork,
    logger: silentLogger,
    onFatal: (error) => expect(error).toBe(null),
  });
  await log.start();
  for (let i = 0; i < 1000 && opened.length < 4; i++) timers.next();
  expect(new Set(opened)).toEqual(new Set([1, 2, 3]));
  await log.shutdown();
});
