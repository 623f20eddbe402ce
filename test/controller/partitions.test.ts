import { expect, test } from 'vitest';
import { TestController } from './harness.ts';

function reassign(
  controller: TestController,
  name: string,
  replicas: number[] | null,
  mayChangeFactor = true,
): unknown {
  const { responses } = controller.call(45, {
    allowReplicationFactorChange: mayChangeFactor,
    topics: [{ name, partitions: [{ partitionIndex: 0, replicas }] }],
  });
  const result = responses[0]?.partitions[0];
  return [result?.errorCode, result?.errorMessage];
}

function elect(controller: TestController, electionType: number, name: string): unknown {
  const { replicaElectionResults } = controller.call(43, {
    electionType,
    topicPartitions: [{ topic: name, partitions: [0] }],
  });
  const result = replicaElectionResults[0]?.partitionResult[0];
  return [result?.errorCode, result?.errorMessage];
}

function codesOf(response: ReturnType<TestController['alterIsr']>): unknown {
  return [response.errorCode, response.topics[0]?.partitions[0]?.errorCode];
}

test('AlterPartition shrinks and expands the ISR, and refuses stale epochs and ineligible replicas', () => {
  const controller = new TestController().start(1, 2, 3);
  controller.create('t', [[1, 2, 3]]);
  const before = controller.partition('t');
  expect(codesOf(controller.alterIsr('t', 0, [1, 2]))).toEqual([0, 0]);
  expect(controller.shape('t').isr).toEqual([1, 2]);
  expect(controller.partition('t')).toMatchObject({ partitionEpoch: 1, leaderEpoch: 0 });
  const ask = (fields: object, brokerId = 1, brokerEpoch = controller.epochOf(brokerId)): unknown =>
    codesOf(
      controller.call(56, {
        brokerId,
        brokerEpoch,
        topics: [
          {
            topicId: before.topicId,
            partitions: [
              {
                partitionIndex: 0,
                leaderEpoch: 0,
                newIsr: [],
                newIsrWithEpochs: [1, 2, 3].map((id) => ({
                  brokerId: id,
                  brokerEpoch: controller.epochOf(id),
                })),
                partitionEpoch: 1,
                ...fields,
              },
            ],
          },
        ],
      }),
    );
  expect(ask({}, 1, 99)).toEqual([77, undefined]);
  expect(ask({ partitionEpoch: 0 })).toEqual([0, 95]);
  expect(ask({ partitionEpoch: 7 })).toEqual([0, 41]);
  expect(ask({ leaderEpoch: 3 })).toEqual([0, 41]);
  expect(ask({}, 2)).toEqual([0, 42]);
  expect(ask({ partitionIndex: 5 })).toEqual([0, 3]);
  expect(ask({ newIsrWithEpochs: [{ brokerId: 2, brokerEpoch: -1 }] })).toEqual([0, 42]);
  expect(
    ask({
      newIsrWithEpochs: [
        { brokerId: 1, brokerEpoch: -1 },
        { brokerId: 3, brokerEpoch: 0 },
      ],
    }),
  ).toEqual([0, 107]);
  controller.beat(3, { fence: true });
  expect(ask({ newIsrWithEpochs: [1, 3].map((id) => ({ brokerId: id, brokerEpoch: -1 })) })).toEqual([
    0, 107,
  ]);
  controller.beat(3);
  expect(ask({})).toEqual([0, 0]);
  expect(controller.shape('t').isr).toEqual([1, 2, 3]);
});

test('a reassignment adds replicas, waits until they are in sync, then removes the old ones and their leader', () => {
  const controller = new TestController().start(1, 2, 3);
  controller.create('t', [[1]]);
  expect(reassign(controller, 't', [2, 3])).toEqual([0, null]);
  expect(controller.partition('t')).toMatchObject({
    replicas: [2, 3, 1],
    addingReplicas: [2, 3],
    removingReplicas: [1],
    isr: [1],
    leader: 1,
  });
  const { topics } = controller.call(46, { topics: null });
  expect(topics[0]?.partitions[0]).toMatchObject({
    replicas: [2, 3, 1],
    addingReplicas: [2, 3],
    removingReplicas: [1],
  });
  controller.alterIsr('t', 0, [1, 2]);
  expect(controller.partition('t').replicas).toEqual([2, 3, 1]);
  expect(codesOf(controller.alterIsr('t', 0, [1, 2, 3]))).toEqual([0, 108]);
  expect(controller.partition('t')).toMatchObject({
    replicas: [2, 3],
    addingReplicas: [],
    removingReplicas: [],
    isr: [2, 3],
    leader: 2,
    leaderEpoch: 1,
  });
  expect(controller.partition('t').directories.length).toBe(2);
});

test('a reassignment can be cancelled and replaced', () => {
  const controller = new TestController().start(1, 2, 3);
  controller.create('t', [[1, 2]]);
  expect(reassign(controller, 't', null)).toEqual([85, null]);
  reassign(controller, 't', [3]);
  reassign(controller, 't', [1, 3]);
  expect(controller.partition('t')).toMatchObject({
    replicas: [1, 3, 2],
    addingReplicas: [3],
    removingReplicas: [2],
  });
  expect(reassign(controller, 't', null)).toEqual([0, null]);
  expect(controller.partition('t')).toMatchObject({
    replicas: [1, 2],
    addingReplicas: [],
    removingReplicas: [],
  });
  expect(reassign(controller, 't', [1, 2, 3], false)).toEqual([38, expect.any(String)]);
  expect(reassign(controller, 't', [1, 9])).toEqual([
    39,
    'The manual partition assignment includes broker 9, but no such broker is registered.',
  ]);
  expect(reassign(controller, 'none', [1])).toEqual([3, 'Unable to find a topic named none.']);
});

test('a reassignment to replicas that are in sync completes at once', () => {
  const controller = new TestController().start(1, 2, 3);
  controller.create('t', [[1, 2, 3]]);
  reassign(controller, 't', [2, 1]);
  expect(controller.partition('t')).toMatchObject({
    replicas: [2, 1],
    isr: [1, 2],
    leader: 1,
    removingReplicas: [],
  });
  expect(controller.partition('t').leaderEpoch).toBe(1);
});

test("ElectLeaders elects the preferred leader, and refuses with Kafka's codes", () => {
  const controller = new TestController({ minInsyncReplicas: 2 }).start(1, 2, 3);
  controller.create('full', [[3, 2, 1]]);
  controller.create('single', [[3]]);
  expect(elect(controller, 0, 'full')).toEqual([84, expect.any(String)]);
  controller.kill(3);
  expect(elect(controller, 0, 'full')).toEqual([80, expect.any(String)]);
  expect(elect(controller, 1, 'single')).toEqual([83, expect.any(String)]);
  expect(elect(controller, 0, 'none')).toEqual([3, 'No such topic as none']);
  controller.beat(3);
  controller.alterIsr('full', 0, [2, 1, 3]);
  expect(controller.shape('full').leader).toBe(2);
  expect(elect(controller, 0, 'full')).toEqual([0, null]);
  expect(controller.shape('full').leader).toBe(3);
});

test('leaderships return to the preferred leaders every leader.imbalance.check.interval.seconds', () => {
  const controller = new TestController({ leaderRebalanceIntervalMs: 1000 }).start(1, 2);
  controller.create('t', [[1, 2]]);
  controller.kill(1);
  controller.beat(1);
  controller.alterIsr('t', 0, [2, 1]);
  controller.tick(999);
  expect(controller.shape('t').leader).toBe(2);
  controller.tick(1000);
  expect(controller.shape('t').leader).toBe(1);
});

test('after the loss of all brokers no replica outside of ISR and ELR is elected', () => {
  const controller = new TestController({ minInsyncReplicas: 2 }).start(1, 2, 3);
  controller.create('t', [[1, 2, 3]]);
  controller.kill(1);
  controller.kill(2);
  expect(controller.shape('t')).toEqual({ leader: 3, isr: [3], elr: [2], last: [] });
  controller.kill(3);
  expect(controller.shape('t')).toEqual({ leader: -1, isr: [], elr: [2, 3], last: [3] });
  controller.register(1, { incarnation: 11 });
  controller.beat(1);
  expect(controller.shape('t').leader).toBe(-1);
  controller.register(2, { incarnation: 12 });
  expect(controller.shape('t')).toEqual({ leader: -1, isr: [], elr: [3], last: [3] });
  controller.beat(2);
  expect(controller.shape('t').leader).toBe(-1);
  controller.register(3, { incarnation: 13 });
  controller.beat(3);
  expect(controller.shape('t')).toEqual({ leader: 3, isr: [3], elr: [], last: [] });
});
