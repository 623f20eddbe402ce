/**
 * The controller does work on many partitions in bounded steps. A new controller that takes over between any two steps finishes
 * the work.
 */
import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { ActiveController } from '../../src/controller/active-controller.ts';
import { changesPerStepMax } from '../../src/controller/change-steps.ts';
import type { ControllerState, Operation } from '../../src/controller/state.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import type { PartitionImage } from '../../src/metadata/topics-image.ts';
import { create } from '../../src/protocol/codec/codec.ts';
import { BrokerRegistrationRequest } from '../../src/protocol/messages/brokers/62-broker-registration.ts';
import { seededRandom, TestController, testRules, testSettings, uuidOf } from './harness.ts';
import { unlimitedMutations } from '../../src/controller/state.ts';

const partitionCount = 3 * changesPerStepMax + 7;

function controllerOf(image: MetadataImage): ActiveController {
  const state: ControllerState = {
    image,
    nextOffset: 1000,
    settings: testSettings,
    rules: testRules,
    random: seededRandom(3),
  };
  return new ActiveController(state, 0);
}

/** Carries out at most `stepsMax` steps of the operation. Returns false when the operation was complete already. */
function run(active: ActiveController, operation: Operation<unknown>, stepsMax: number): boolean {
  for (let i = 0; i < stepsMax; i++) {
    const step = operation.next();
    if (step.done === true) return false;
    expect(step.value.length).toBeLessThanOrEqual(changesPerStepMax);
    active.replay(step.value);
  }
  return true;
}

function cluster(): TestController {
  const controller = new TestController().start(1, 2, 3);
  const lists = [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 2], [1]];
  for (const [at, list] of lists.entries()) {
    const count = Math.ceil(partitionCount / lists.length);
    controller.create(
      `topic-${at}`,
      Array.from({ length: count }, () => list),
      { 'min.insync.replicas': '2' },
    );
  }
  return controller;
}

function* partitions(image: MetadataImage): Iterable<PartitionImage> {
  for (const topic of image.topics.all()) yield* topic.partitions;
}

function registration(incarnation: number): BrokerRegistrationRequest {
  return create(BrokerRegistrationRequest, {
    brokerId: 1,
    clusterId: 'cluster',
    incarnationId: uuidOf(incarnation),
    listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9001, securityProtocol: 0 }],
    features: [
      { name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 },
      { name: 'eligible.leader.replicas.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
    ],
    rack: null,
    logDirs: [uuidOf(1001)],
    previousBrokerEpoch: -1,
  });
}

function register(active: ActiveController): Operation<unknown> {
  active.brokerStreamBroken(nodeId(1));
  return active.handle(62, registration(77), {
    apiVersion: 4,
    nowMs: 1,
    mutations: unlimitedMutations,
  }) as Operation<unknown>;
}

test('a broker that returns after an unclean shutdown is in no ISR or ELR, at any change of the controller', () => {
  const { image } = cluster();
  for (let stepsMax = 0; ; stepsMax++) {
    const first = controllerOf(image);
    const wentOn = run(first, register(first), stepsMax);
    const second = controllerOf(first.image);
    run(second, second.takeOver(), Number.POSITIVE_INFINITY);
    run(second, register(second), Number.POSITIVE_INFINITY);
    const held = [...partitions(second.image)].filter(
      ({ leader, isr, elr }) => leader === 1 || [...isr, ...elr].includes(nodeId(1)),
    );
    expect(held).toEqual([]);
    expect(second.image.cluster.brokers.get(nodeId(1))?.incarnationId).toBe(uuidOf(77));
    if (!wentOn) break;
    expect(stepsMax).toBeLessThan(20);
  }
});

test('a fenced broker leads no partition, at any change of the controller', () => {
  const { image } = cluster();
  for (let stepsMax = 0; ; stepsMax++) {
    const first = controllerOf(image);
    first.brokerStreamBroken(nodeId(1));
    first.brokerProcessEnded(nodeId(1));
    const wentOn = run(first, first.tick(2), stepsMax);
    const second = controllerOf(first.image);
    second.brokerStreamBroken(nodeId(1));
    second.brokerProcessEnded(nodeId(1));
    run(second, second.takeOver(), Number.POSITIVE_INFINITY);
    run(second, second.tick(2), Number.POSITIVE_INFINITY);
    for (const { leader } of partitions(second.image)) expect(leader).not.toBe(1);
    if (!wentOn) break;
    expect(stepsMax).toBeLessThan(20);
  }
});

test('AlterPartition of many partitions has the result of each of them', () => {
  const controller = cluster();
  const [topic] = [...controller.image.topics.all()].filter(({ name }) => name === 'topic-0');
  const wanted = [...(topic?.partitions ?? []), topic?.partitions[0] as PartitionImage];
  const answer = controller.call(56, {
    brokerId: 1,
    brokerEpoch: controller.epochOf(1),
    topics: [
      {
        topicId: topic?.id as string,
        partitions: wanted.map(({ index, leaderEpoch, partitionEpoch }) => ({
          partitionIndex: index,
          leaderEpoch,
          newIsr: [],
          newIsrWithEpochs: [1, 2].map((id) => ({ brokerId: id, brokerEpoch: controller.epochOf(id) })),
          partitionEpoch,
        })),
      },
    ],
  });
  const results = answer.topics[0]?.partitions ?? [];
  const last = results.at(-1);
  expect(results.slice(0, -1).every(({ errorCode, isr }) => errorCode === 0 && isr.join() === '1,2')).toBe(
    true,
  );
  expect(results.map(({ partitionIndex }) => partitionIndex)).toEqual(wanted.map(({ index }) => index));
  // The request names its first partition again at the end. By then that partition's epoch has grown, so the second entry is
  // refused.
  expect(last?.errorCode).toBe(95);
});
