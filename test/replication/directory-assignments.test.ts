import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import type { ControllerClient } from '../../src/metadata/controller-port.ts';
import { DirectoryAssignments } from '../../src/replication/manager/directory-assignments.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { ManualClock, settle } from '../log/harness.ts';

const topic = 'tHwPhf7eRmGKij2_-IkFVg';
const idA = 'sIwPhf7eRmGKij2_-IkFVg';
const idB = 'IMsRZd3lSUK8fqfTgo2UDg';

interface Request {
  brokerEpoch: number;
  directories: { id: string; topics: { topicId: string; partitions: { partitionIndex: number }[] }[] }[];
}

/**
 * A controller that answers each request with the next of `codes` for all its partitions. For 'lost', the request fails without
 * an answer.
 */
function bench(...codes: (number | 'lost')[]) {
  const clock = new ManualClock();
  const asked: Record<string, number[]>[] = [];
  const controller = {
    request: async (_request: unknown, _response: unknown, _version: number, init: unknown) => {
      const { directories } = init as Request;
      asked.push(
        Object.fromEntries(
          directories.map(({ id, topics }) => [
            id,
            topics.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex)),
          ]),
        ),
      );
      const code = codes.shift() ?? 0;
      if (code === 'lost') throw new Error('no controller');
      return {
        errorCode: 0,
        directories: directories.map(({ id, topics }) => ({
          id,
          topics: topics.map(({ topicId, partitions }) => ({
            topicId,
            partitions: partitions.map((one) => ({ ...one, errorCode: code })),
          })),
        })),
      };
    },
  } as unknown as ControllerClient;
  const assignments = new DirectoryAssignments({
    brokerId: nodeId(1),
    brokerEpoch: () => 5,
    controller,
    scheduler: clock,
    random: new SeededRandom(1),
    logger: silentLogger,
  });
  const pass = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await settle();
    await clock.advance(0);
  };
  return { assignments, asked, pass };
}

test('all assignments of one turn are in one request, by directory', async () => {
  const { assignments, asked, pass } = bench();
  let accepted = 0;
  assignments.assign(topic, 0, idA, (isRecorded) => (accepted += Number(isRecorded)));
  assignments.assign(topic, 1, idB);
  assignments.assign(topic, 2, idA);
  await pass(0);
  expect(asked).toEqual([{ [idA]: [0, 2], [idB]: [1] }]);
  expect(accepted).toBe(1);
});

test('an assignment is repeated until the controller has accepted it', async () => {
  const { assignments, asked, pass } = bench('lost', 41, 0);
  let accepted = 0;
  assignments.assign(topic, 0, idA, (isRecorded) => (accepted += Number(isRecorded)));
  for (let i = 0; i < 5; i++) await pass(1_000);
  expect(asked).toEqual([{ [idA]: [0] }, { [idA]: [0] }, { [idA]: [0] }]);
  expect(accepted).toBe(1);
});

test('a newer assignment is sent in place of one in flight that got no response', async () => {
  const { assignments, asked, pass } = bench('lost');
  assignments.assign(topic, 0, idA);
  await pass(0);
  assignments.assign(topic, 0, idB);
  for (let i = 0; i < 3; i++) await pass(1_000);
  expect(asked).toEqual([{ [idA]: [0] }, { [idB]: [0] }]);
});

test.each([100, 3, 6])('error %s is final, because the topic or the replica was deleted', async (code) => {
  const { assignments, asked, pass } = bench(code);
  let accepted = 0;
  assignments.assign(topic, 0, idA, (isRecorded) => (accepted += Number(isRecorded)));
  for (let i = 0; i < 3; i++) await pass(20_000);
  expect([asked.length, accepted]).toEqual([1, 0]);
});

test('a removed replica is not assigned again', async () => {
  const { assignments, asked, pass } = bench('lost');
  assignments.assign(topic, 0, idA);
  assignments.assign(topic, 1, idA);
  await pass(0);
  assignments.forget(topic, 0);
  for (let i = 0; i < 3; i++) await pass(1_000);
  expect(asked).toEqual([{ [idA]: [0, 1] }, { [idA]: [1] }]);
});

test.each([
  ['a newer one has replaced it before it was sent', 0, (a: DirectoryAssignments) => a.assign(topic, 0, idB)],
  [
    'a newer one has replaced it, and its request got no response',
    1,
    (a: DirectoryAssignments) => a.assign(topic, 0, idB),
  ],
  ['the replica is removed', 0, (a: DirectoryAssignments) => a.forget(topic, 0)],
  ['the replica is removed while it is in flight', 1, (a: DirectoryAssignments) => a.forget(topic, 0)],
  ['the broker stops', 0, (a: DirectoryAssignments) => a.stop()],
  ['the broker stops while it is in flight', 1, (a: DirectoryAssignments) => a.stop()],
] as const)('the caller learns that an assignment is not recorded: %s', async (_, isSent, end) => {
  const { assignments, pass } = bench('lost');
  const heard: boolean[] = [];
  assignments.assign(topic, 0, idA, (isRecorded) => heard.push(isRecorded));
  if (isSent === 1) await pass(0);
  end(assignments);
  for (let i = 0; i < 3; i++) await pass(1_000);
  expect(heard).toEqual([false]);
});

test('the caller learns that an assignment is not recorded: the broker has stopped before, or the replica is gone', async () => {
  const { assignments, pass } = bench(3);
  const heard: boolean[] = [];
  assignments.assign(topic, 0, idA, (isRecorded) => heard.push(isRecorded));
  await pass(0);
  assignments.stop();
  assignments.assign(topic, 0, idA, (isRecorded) => heard.push(isRecorded));
  expect(heard).toEqual([false, false]);
});
