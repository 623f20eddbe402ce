/** Log directories of brokers as the controller sees them: KIP-858 (JBOD) and KIP-1066 (cordoned directories). */
import { expect, test } from 'vitest';
import { uuidUnassignedDirectory } from '../../src/metadata/topics-image.ts';
import { TestController, uuidOf } from './harness.ts';

const one = (id: number): string => uuidOf(1000 + id);
const two = (id: number): string => uuidOf(2000 + id);

/** Brokers with two directories each. */
function cluster(ids: number[], elr = true): TestController {
  const controller = new TestController({}, 7, elr);
  for (const id of ids) {
    controller.register(id, { logDirs: [one(id), two(id)] });
    controller.beat(id);
  }
  return controller;
}

function assign(controller: TestController, id: number, directory: string, topic: string, index = 0): number {
  const response = controller.call(73, {
    brokerId: id,
    brokerEpoch: controller.epochOf(id),
    directories: [
      {
        id: directory,
        topics: [{ topicId: controller.partition(topic).topicId, partitions: [{ partitionIndex: index }] }],
      },
    ],
  });
  return response.directories[0]?.topics[0]?.partitions[0]?.errorCode ?? -1;
}

test("a replica's directory is set by its broker, at creation if the broker has only one", () => {
  const controller = cluster([1, 2]);
  controller.start(3);
  controller.create('t', [[1, 2, 3]]);
  const { leaderEpoch } = controller.partition('t');
  expect(controller.partition('t').directories).toEqual([
    uuidUnassignedDirectory,
    uuidUnassignedDirectory,
    one(3),
  ]);
  expect(assign(controller, 2, two(2), 't')).toBe(0);
  expect(controller.partition('t').directories).toEqual([uuidUnassignedDirectory, two(2), one(3)]);
  // The assignment of a directory changes neither leader nor ISR.
  expect(controller.partition('t')).toMatchObject({ leader: 1, leaderEpoch, isr: [1, 2, 3] });
});

test("AssignReplicasToDirs refuses unknown partitions, other brokers' replicas and stale broker epochs", () => {
  const controller = cluster([1, 2, 3]);
  controller.create('t', [[1, 2]]);
  expect(assign(controller, 1, one(1), 't', 9)).toBe(3);
  expect(assign(controller, 3, one(3), 't')).toBe(6);
  expect(() =>
    controller.call(73, { brokerId: 1, brokerEpoch: controller.epochOf(1) + 1, directories: [] }),
  ).toThrow(/STALE_BROKER_EPOCH|Expected broker epoch/);
});

test('when a directory fails, only the replicas in it lose leadership and ISR membership', () => {
  const controller = cluster([1, 2, 3]);
  controller.create('t', [
    [1, 2, 3],
    [1, 2, 3],
    [2, 1, 3],
  ]);
  for (const id of [1, 2, 3]) for (const index of [0, 2]) assign(controller, id, one(id), 't', index);
  for (const id of [1, 2, 3]) assign(controller, id, two(id), 't', 1);
  controller.beat(1, { offline: [one(1)] });
  expect(controller.shape('t', 0)).toMatchObject({ leader: 2, isr: [2, 3] });
  expect(controller.shape('t', 1)).toMatchObject({ leader: 1, isr: [1, 2, 3] });
  expect(controller.shape('t', 2)).toMatchObject({ leader: 2, isr: [2, 3] });
  // Broker 1 does not come back into the ISR: neither when the leader of partition 0 proposes it, not knowing of the failed
  // directory yet, nor by a preferred election.
  expect(controller.alterIsr('t', 0, [1, 2, 3]).topics[0]?.partitions[0]?.errorCode).toBe(107);

  controller.call(43, { electionType: 0, topicPartitions: null, timeoutMs: 1000 });
  expect(controller.shape('t', 0)).toMatchObject({ leader: 2 });
});

test('an assignment to a directory that failed before moves the leadership', () => {
  const controller = cluster([1, 2]);
  controller.create('t', [[1, 2]]);
  controller.beat(1, { offline: [one(1)] });
  expect(controller.shape('t')).toMatchObject({ leader: 1 });
  assign(controller, 1, one(1), 't');
  expect(controller.shape('t')).toMatchObject({ leader: 2, isr: [2] });
});

test.each([true, false])(
  "replicas in a directory that was offline at the broker's start do not lead (ELR %s)",
  (elr) => {
    const controller = cluster([1], elr);
    controller.create('t', [[1], [1]]);
    assign(controller, 1, one(1), 't', 0);
    assign(controller, 1, two(1), 't', 1);
    const epoch = controller.epochOf(1);
    controller.kill(1);
    controller.register(1, { incarnation: 2, logDirs: [two(1)], previousBrokerEpoch: epoch });
    controller.beat(1);
    expect(controller.shape('t', 0)).toMatchObject({ leader: -1 });
    expect(controller.shape('t', 1)).toMatchObject({ leader: 1 });
    // The failed disk works again after the broker's next start.
    controller.kill(1);
    controller.register(1, {
      incarnation: 3,
      logDirs: [one(1), two(1)],
      previousBrokerEpoch: controller.epochOf(1),
    });
    controller.beat(1);
    expect(controller.shape('t', 0)).toMatchObject({ leader: 1 });
  },
);

test('a broker whose directory got a new id leads again after AssignReplicasToDirs', () => {
  const controller = new TestController().start(1);
  controller.create('t', [[1]]);
  const epoch = controller.epochOf(1);
  controller.kill(1);
  controller.register(1, { incarnation: 2, logDirs: [two(1)], previousBrokerEpoch: epoch });
  controller.beat(1);
  expect(controller.shape('t')).toMatchObject({ leader: -1 });
  assign(controller, 1, two(1), 't');
  expect(controller.shape('t')).toMatchObject({ leader: 1 });
});

test('cordoned directories get no new replicas; a broker with no other directory gets none', () => {
  const controller = cluster([1, 2]);
  controller.beat(1, { cordoned: [one(1), two(1)] });
  controller.create('t', [[2]]);
  const made = controller.call(19, {
    topics: [{ name: 'free', numPartitions: 6, replicationFactor: 1, assignments: [], configs: [] }],
  });
  expect(made.topics[0]).toMatchObject({ errorCode: 0 });
  const partitions = controller.image.topics.byName('free')?.partitions ?? [];
  expect(partitions.map(({ replicas }) => replicas)).toEqual(partitions.map(() => [2]));
  const before = controller.records.length;
  controller.beat(1, { cordoned: [two(1), one(1)] });
  expect(controller.records.length).toBe(before);
  // One of the broker's two directories is not cordoned, so new replicas are placed in it.
  controller.beat(1, { cordoned: [one(1)] });
  controller.create('again', [[1]]);
  expect(controller.partition('again').directories).toEqual([two(1)]);
});
