import { expect, test } from 'vitest';
import { IdleRecord } from '../../../src/server/controller/idle-record.ts';
import { SimulatedHost } from '../../../src/simulation/host.ts';
import { inMacrotask } from '../../../src/simulation/macrotask.ts';
import { World } from '../../../src/simulation/world.ts';

interface Idle {
  readonly record: IdleRecord;
  /** The times at which the controller wrote records without effect (NoOpRecord). */
  readonly writtenMs: number[];
  /** Runs the simulation up to this time. */
  readonly until: (ms: number) => void;
}

function idle(intervalMs: number): Idle {
  const world = new World(1);
  const life = new SimulatedHost(world, 'controller').boot();
  const writtenMs: number[] = [];
  const write = (): void => void writtenMs.push(world.nowMs);
  const record = new IdleRecord({ intervalMs, write, clock: life, scheduler: life });
  return { record, writtenMs, until: (ms) => void world.run(ms) };
}

test('an idle log gets a NoOpRecord one interval after its last record', () =>
  inMacrotask(() => {
    const { record, writtenMs, until } = idle(500);
    until(1_200);
    expect(writtenMs).toEqual([500, 1_000]);
    record.written();
    until(2_300);
    expect(writtenMs).toEqual([500, 1_000, 1_700, 2_200]);
  }));

test('a read of the log end offset brings the next record forward; several reads share one record', () =>
  inMacrotask(() => {
    const { record, writtenMs, until } = idle(500);
    until(100);
    for (const atMs of [100, 105, 119]) {
      until(atMs);
      record.logEndRead();
    }
    until(187);
    expect(writtenMs).toEqual([120]);
    record.logEndRead();
    until(600);
    expect(writtenMs).toEqual([120, 207]);
    until(710);
    expect(writtenMs).toEqual([120, 207, 707]);
  }));

test('a read just before the record is due does not delay it', () =>
  inMacrotask(() => {
    const { record, writtenMs, until } = idle(500);
    until(495);
    record.logEndRead();
    until(600);
    expect(writtenMs).toEqual([500]);
  }));

test.each(['interval 0', 'a lost leadership'])('no record is written with %s', (why) =>
  inMacrotask(() => {
    const { record, writtenMs, until } = idle(why === 'interval 0' ? 0 : 500);
    until(10);
    record.logEndRead();
    if (why !== 'interval 0') record.stop();
    until(5_000);
    expect(writtenMs).toEqual([]);
  }),
);
