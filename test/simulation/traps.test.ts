import { readFileSync, promises } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { outsideTraps, TrapError, withTraps } from '../../src/simulation/traps.ts';

const forbidden: [string, () => unknown, RegExp][] = [
  ['Date.now', () => Date.now(), /Date\.now .*Clock/],
  ['new Date', () => new Date(), /new Date\(\) .*Clock/],
  ['Date()', () => Date(), /Clock/],
  ['performance.now', () => performance.now(), /performance\.now .*Clock/],
  ['process.hrtime', () => process.hrtime(), /hrtime .*Clock/],
  ['Math.random', () => Math.random(), /Math\.random .*Random/],
  ['crypto.randomBytes', () => randomBytes(4), /randomBytes .*Random/],
  ['crypto.randomUUID', () => crypto.randomUUID(), /randomUUID .*Random/],
  ['setTimeout', () => setTimeout(() => {}, 1), /setTimeout .*Scheduler/],
  ['setInterval', () => setInterval(() => {}, 1), /setInterval .*Scheduler/],
  ['setImmediate', () => setImmediate(() => {}), /setImmediate .*Scheduler/],
  ['process.nextTick', () => process.nextTick(() => {}), /nextTick .*promise/],
  ['fs.readFileSync', () => readFileSync('/etc/hostname'), /readFileSync .*FileSystem/],
  ['fs.promises', () => promises.readFile('/etc/hostname'), /readFile .*FileSystem/],
  ['net.connect', () => connect(1, 'localhost'), /connect .*Network/],
];

describe('traps', () => {
  test.each(forbidden)('%s throws an error that names what to inject', (_, call, message) => {
    const caught = withTraps(() => {
      try {
        call();
        return null;
      } catch (error) {
        return error;
      }
    });
    expect(caught).toBeInstanceOf(TrapError);
    expect(String(caught)).toMatch(message);
  });

  test('the traps are removed at the end, also after an error', () => {
    expect(() =>
      withTraps(() => {
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(Date.now()).toBeGreaterThan(0);
    expect(new Date().getTime()).toBeGreaterThan(0);
    expect(performance.now()).toBeGreaterThan(0);
    expect(Math.random()).toBeLessThan(1);
    expect(randomBytes(3).length).toBe(3);
    expect(readFileSync('/etc/passwd').length).toBeGreaterThan(0);
    clearTimeout(setTimeout(() => {}, 1));
  });

  test('new Date(number) is allowed', () => {
    expect(withTraps(() => new Date(0).toISOString())).toBe('1970-01-01T00:00:00.000Z');
    expect(withTraps(() => new Date(5) instanceof Date)).toBe(true);
  });

  test('the traps stay after a nested run; outsideTraps() runs without them', () => {
    const seen = withTraps(() => {
      withTraps(() => null);
      expect(() => Date.now()).toThrow(TrapError);
      const outside = outsideTraps(() => Date.now());
      expect(() => Date.now()).toThrow(TrapError);
      return outside;
    });
    expect(seen).toBeGreaterThan(0);
  });
});
