/**
 * A start that ends before all logs are open: the node could not listen on its port, a file is of a later release, or the node
 * was stopped. The next start must find what the last stop has left.
 */
import { expect, test } from 'vitest';
import { defaultLogConfig, type LogConfig } from '../../src/log/log-config.ts';
import type { LogManager } from '../../src/log/manager/log-manager.ts';
import { batchOf, Bench, client, idA, idB, managerOfTwo, settle, topicId } from './harness.ts';

const config: LogConfig = { ...defaultLogConfig, segmentBytes: 300 };
const recordCount = 12;
const startOffset = 5;
const mark = '.kafka_cleanshutdown';
const oldEpoch = 77;

/** The topics `a` and `b`, in `/a` and `/b`, with 12 records, the first five of them deleted. */
async function stopped(how: 'cleanly' | 'by kill -9'): Promise<Bench> {
  const bench = new Bench();
  const logs = await managerOfTwo(bench, config);
  await logs.start();
  for (const [topic, id] of [
    ['a', idA],
    ['b', idB],
  ] as const) {
    const log = await logs.getOrCreate(topic, 0, topicId, config, id, true);
    for (let i = 0; i < recordCount; i++)
      await log.appendAsLeader(batchOf([`value ${i}`]), 3, client).written;
    log.setHighWatermark(recordCount);
    await log.deleteRecordsTo(startOffset);
  }
  if (how === 'cleanly') await logs.shutdown(oldEpoch);
  else {
    await bench.clock.advance(60_000);
    bench.disk.processKilled();
  }
  return bench;
}

/** The files directly in the two log directories, with their content. */
function checkpoints(bench: Bench): [string, string][] {
  return [...bench.disk.contents()]
    .filter(([path]) => /^\/[ab]\/[^/]+$/.test(path))
    .map(([path, bytes]): [string, string] => [path, new TextDecoder().decode(bytes)]);
}

function lines(logs: LogManager): unknown[] {
  return ['a', 'b'].map((topic) => {
    const log = logs.get(topic, 0);
    return [log?.logStartOffset, log?.highWatermark, log?.logEndOffset];
  });
}

const complete = [startOffset, recordCount, recordCount];

async function makeLater(bench: Bench, path: string): Promise<() => Promise<void>> {
  const write = async (content: Uint8Array): Promise<void> => {
    const file = await bench.fs.open(path, 'write');
    await file.truncate(0);
    await file.write([content], 0);
    await file.close();
  };
  const before = await bench.fs.readFile(path);
  await write(new TextEncoder().encode(new TextDecoder().decode(before).replace('version: 0', 'version: 1')));
  return () => write(before);
}

test.each(['cleanly', 'by kill -9'] as const)(
  'after a stop %s: a node that stops before it opens its logs changes nothing in the log directories',
  async (how) => {
    const bench = await stopped(how);
    const before = checkpoints(bench);
    expect(before.some(([path]) => path.endsWith(mark))).toBe(how === 'cleanly');
    await (await managerOfTwo(bench, config)).shutdown(null);
    expect(checkpoints(bench)).toEqual(before);
  },
);

test.each(['cleanly', 'by kill -9'] as const)(
  'after a stop %s: a start that a file of a later release ends changes no checkpoint, nor whether the stop was clean',
  async (how) => {
    const bench = await stopped(how);
    const before = checkpoints(bench);
    const restore = await makeLater(bench, '/b/b-0/partition.metadata');
    const refused = await managerOfTwo(bench, config);
    await expect(refused.start()).rejects.toThrow('A later release');
    await refused.shutdown(null);
    expect(new Map(checkpoints(bench))).toEqual(new Map(before));
    await restore();
    const logs = await managerOfTwo(bench, config);
    await logs.start();
    expect(lines(logs)).toEqual([complete, complete]);
    expect(logs.previousBrokerEpoch).toBe(how === 'cleanly' ? oldEpoch : -1);
    expect(logs.directories().map(({ wasClean }) => wasClean)).toEqual(Array(2).fill(how === 'cleanly'));
  },
);

test('a clean stop is remembered when the list of lost records is of a later release', async () => {
  const bench = await stopped('cleanly');
  const before = checkpoints(bench);
  const file = await bench.fs.open('/a/lost-records-checkpoint', 'write');
  await file.write([new TextEncoder().encode('1\n1\nt 0 3 more\n')], 0);
  await file.close();
  const refused = await managerOfTwo(bench, config);
  await expect(refused.start()).rejects.toThrow('A later release');
  await refused.shutdown(null);
  await bench.fs.remove('/a/lost-records-checkpoint');
  expect(new Map(checkpoints(bench))).toEqual(new Map(before));
});

test('a stop during the start waits for the log that is being opened, opens no other, and marks no directory as clean', async () => {
  const bench = await stopped('by kill -9');
  const before = checkpoints(bench);
  const logs = await managerOfTwo(bench, config);
  const starting = logs.start();
  const stopping = logs.shutdown(null);
  await settle();
  await Promise.all([starting, stopping]);
  expect(lines(logs)).not.toContainEqual(complete);
  expect(new Map(checkpoints(bench))).toEqual(new Map(before));
});

test('a node that the controller has not registered keeps the broker epoch of its last clean shutdown', async () => {
  const bench = await stopped('cleanly');
  const unregistered = await managerOfTwo(bench, config);
  await unregistered.start();
  await unregistered.shutdown(null);
  const logs = await managerOfTwo(bench, config);
  await logs.start();
  expect([lines(logs), logs.previousBrokerEpoch]).toEqual([[complete, complete], oldEpoch]);
});
