/**
 * An `Outbox` holds entries that the broker must send to the controller. Whatever happens to the requests, no entry is lost,
 * and none is in two requests at the same time.
 */
import { describe, expect, test } from 'vitest';
import { Outbox } from '../../src/replication/outbox.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { ManualClock, settle } from '../log/harness.ts';

/** An outbox whose requests wait until the test answers them. An answer settles the entries that `settled` names. */
function bench() {
  const clock = new ManualClock();
  const sent: Record<string, number>[] = [];
  const requests: { entries: Map<string, number>; done: () => void; fail: (error: Error) => void }[] = [];
  const outbox = new Outbox<number>({
    scheduler: clock,
    logger: silentLogger,
    entriesPerRequestMax: 2,
    pauseMs: (failures) => 100 * 2 ** failures,
    send: (entries) => {
      sent.push(Object.fromEntries(entries));
      return new Promise((resolve, reject) => {
        requests.push({ entries, done: resolve, fail: reject });
      });
    },
  });
  const pass = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await settle();
    await clock.advance(0);
  };
  const answer = async (...settled: string[]): Promise<void> => {
    const request = requests.shift();
    for (const key of settled) request?.entries.delete(key);
    request?.done();
    await pass(0);
  };
  const fail = async (): Promise<void> => {
    requests.shift()?.fail(new Error('a bug'));
    await pass(0);
  };
  return { outbox, sent, pass, answer, fail };
}

describe('an outbox', () => {
  test('sends the newest entry of each key, a limited number in a request, one request at a time', async () => {
    const { outbox, sent, pass, answer } = bench();
    outbox.put('a', 1);
    outbox.put('b', 1);
    outbox.put('c', 1);
    outbox.put('a', 2);
    await pass(0);
    expect(sent).toEqual([{ a: 2, b: 1 }]);
    await answer('a', 'b');
    expect(sent).toEqual([{ a: 2, b: 1 }, { c: 1 }]);
  });

  test('sends entries again until they are settled, with doubling pauses', async () => {
    const { outbox, sent, pass, answer } = bench();
    outbox.put('a', 1);
    await pass(0);
    for (const pauseMs of [100, 200, 400]) {
      await answer();
      const before = sent.length;
      await pass(pauseMs - 1);
      expect(sent).toHaveLength(before);
      await pass(1);
      expect(sent).toHaveLength(before + 1);
    }
    await answer('a');
    outbox.put('b', 1);
    await pass(0);
    await answer();
    await pass(100);
    expect(sent.slice(-2)).toEqual([{ b: 1 }, { b: 1 }]);
  });

  test('sends a newer entry whether or not the older one in flight was settled', async () => {
    for (const settled of [[], ['a']]) {
      const { outbox, sent, pass, answer } = bench();
      outbox.put('a', 1);
      await pass(0);
      outbox.put('a', 2);
      expect(outbox.get('a')).toBe(2);
      await answer(...settled);
      await pass(100);
      expect(sent).toEqual([{ a: 1 }, { a: 2 }]);
    }
  });

  test('sends entries again when the request fails', async () => {
    const { outbox, sent, pass, fail } = bench();
    outbox.put('a', 1);
    await pass(0);
    await fail();
    await pass(100);
    expect(sent).toEqual([{ a: 1 }, { a: 1 }]);
  });

  test('does not send deleted entries, pending or in flight', async () => {
    const { outbox, sent, pass, answer } = bench();
    for (const key of ['a', 'b', 'c', 'd']) outbox.put(key, 1);
    await pass(0);
    outbox.delete('a');
    outbox.delete('c');
    expect(outbox.get('a')).toBeUndefined();
    await answer('b');
    expect(sent).toEqual([{ a: 1, b: 1 }, { d: 1 }]);
  });

  test('sends nothing after stop()', async () => {
    const { outbox, sent, pass, answer } = bench();
    outbox.put('a', 1);
    await pass(0);
    outbox.put('b', 1);
    outbox.stop();
    await answer();
    outbox.put('c', 1);
    await pass(1000);
    expect(sent).toEqual([{ a: 1 }]);
  });
});
