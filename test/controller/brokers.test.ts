import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { KafkaError } from '../../src/protocol/errors.ts';
import { TestController } from './harness.ts';

function codeOf(call: () => unknown): number | undefined {
  try {
    call();
    return 0;
  } catch (error) {
    return error instanceof KafkaError ? error.code : undefined;
  }
}

test('a broker is fenced until its metadata has its registration and it asks to be unfenced', () => {
  const controller = new TestController();
  const epoch = controller.register(1);
  expect(controller.image.cluster.brokers.get(nodeId(1))?.fenced).toBe(true);
  expect(controller.beat(1, { offset: epoch - 1 })).toMatchObject({ isFenced: true, isCaughtUp: false });
  expect(controller.beat(1, { fence: true })).toMatchObject({ isFenced: true, isCaughtUp: true });
  expect(controller.beat(1)).toMatchObject({ isFenced: false });
});

test('the same incarnation may register again and keeps its epoch', () => {
  const controller = new TestController().start(1);
  const epoch = controller.epochOf(1);
  expect(controller.register(1)).toBe(epoch);
  expect(controller.image.cluster.brokers.get(nodeId(1))?.fenced).toBe(false);
});

test('a new incarnation is refused while the old one is connected, and accepted after its stream broke', () => {
  const controller = new TestController().start(1);
  const epoch = controller.epochOf(1);
  expect(codeOf(() => controller.register(1, { incarnation: 2 }))).toBe(101);
  controller.active.brokerStreamBroken(nodeId(1));
  expect(controller.register(1, { incarnation: 2 })).toBeGreaterThan(epoch);
  expect(
    codeOf(() =>
      controller.call(63, {
        brokerId: 1,
        brokerEpoch: epoch,
        currentMetadataOffset: 0,
        wantFence: false,
        wantShutDown: false,
      }),
    ),
  ).toBe(77);
});

test("a registration with another cluster id, or without the cluster's features, is refused", () => {
  const controller = new TestController();
  const request = {
    brokerId: 1,
    clusterId: 'other',
    incarnationId: 'AAAAAAAAAAAAAAAAAAAAew',
    listeners: [],
    features: [],
    rack: null,
  };
  expect(codeOf(() => controller.call(62, request))).toBe(104);
  expect(codeOf(() => controller.call(62, { ...request, clusterId: 'cluster' }))).toBe(35);
});

test('a broker without heartbeats is fenced at the end of its session: leaderships move, ISRs shrink', () => {
  const controller = new TestController().start(1, 2, 3);
  controller.create('t', [[1, 2, 3]]);
  const before = controller.partition('t');
  controller.nowMs = 8000;
  controller.beat(2);
  controller.beat(3);
  controller.tick(9000);
  expect(controller.shape('t')).toEqual({ leader: 2, isr: [2, 3], elr: [], last: [] });
  expect(controller.partition('t').leaderEpoch).toBe(before.leaderEpoch + 1);
  expect(controller.image.cluster.brokers.get(nodeId(1))?.fenced).toBe(true);
  expect(controller.beat(1)).toMatchObject({ isFenced: false });
  expect(controller.shape('t').leader).toBe(2);
});

test('a broker whose process ended is fenced at once; after a broken stream alone it is not', () => {
  const controller = new TestController().start(1, 2);
  controller.create('t', [[1, 2]]);
  controller.active.brokerStreamBroken(nodeId(1));
  controller.tick(500);
  expect(controller.shape('t').leader).toBe(1);
  controller.beat(1);
  controller.active.brokerProcessEnded(nodeId(1));
  controller.tick(501);
  expect(controller.shape('t').leader).toBe(1);
  controller.kill(1);
  expect(controller.shape('t')).toMatchObject({ leader: 2, isr: [2] });
});

test('after a pause of the controller sessions are extended, so no broker is fenced for it', () => {
  const controller = new TestController().start(1);
  controller.active.extendSessions(20_000);
  controller.tick(20_000);
  expect(controller.image.cluster.brokers.get(nodeId(1))?.fenced).toBe(false);
  controller.tick(29_001);
  expect(controller.image.cluster.brokers.get(nodeId(1))?.fenced).toBe(true);
});

test('controlled shutdown: the broker may stop when leaderships have moved and its metadata has that', () => {
  const controller = new TestController().start(1, 2);
  controller.create('t', [[1, 2]]);
  const seen = controller.offset - 1;
  expect(controller.beat(1, { shutDown: true, offset: seen })).toMatchObject({ shouldShutDown: false });
  expect(controller.shape('t')).toMatchObject({ leader: 2, isr: [2] });
  expect(controller.image.cluster.brokers.get(nodeId(1))).toMatchObject({
    fenced: false,
    inControlledShutdown: true,
  });
  expect(controller.beat(1, { shutDown: true, offset: seen })).toMatchObject({ shouldShutDown: false });
  expect(controller.beat(1, { shutDown: true })).toMatchObject({ shouldShutDown: true, isFenced: true });
});

test('the only replica is in the ELR during a controlled shutdown, and leads again as recovered', () => {
  const controller = new TestController().start(1);
  controller.create('t', [[1]]);
  controller.beat(1, { shutDown: true });
  expect(controller.beat(1, { shutDown: true })).toMatchObject({ shouldShutDown: true });
  expect(controller.shape('t')).toEqual({ leader: -1, isr: [], elr: [1], last: [1] });
  const epoch = controller.epochOf(1);
  controller.register(1, { incarnation: 5, previousBrokerEpoch: epoch });
  controller.beat(1);
  expect(controller.shape('t')).toEqual({ leader: 1, isr: [1], elr: [], last: [] });
  expect(controller.partition('t').leaderRecoveryState).toBe(0);
});

test('the only replica is elected after a crash as the last known leader, in state recovering', () => {
  const controller = new TestController().start(1);
  controller.create('t', [[1]]);
  controller.active.brokerStreamBroken(nodeId(1));
  controller.register(1, { incarnation: 5 });
  expect(controller.shape('t')).toEqual({ leader: -1, isr: [], elr: [], last: [1] });
  controller.beat(1);
  expect(controller.shape('t')).toEqual({ leader: 1, isr: [1], elr: [], last: [] });
  expect(controller.partition('t').leaderRecoveryState).toBe(1);
  controller.alterIsr('t', 0, [1]);
  expect(controller.partition('t').leaderRecoveryState).toBe(0);
});

test('eligible leader replicas of three topics are those of Kafka 4.3 after the loss of one of three brokers', () => {
  const controller = new TestController({ minInsyncReplicas: 2 }).start(1, 2, 3);
  controller.create('full', [
    [1, 2, 3],
    [3, 2, 1],
  ]);
  controller.create('pair', [[3, 1]]);
  controller.create('single', [[3], [1]]);
  controller.kill(3);
  expect(controller.shape('full', 0)).toEqual({ leader: 1, isr: [1, 2], elr: [], last: [] });
  expect(controller.shape('full', 1)).toEqual({ leader: 2, isr: [2, 1], elr: [], last: [] });
  expect(controller.shape('pair')).toEqual({ leader: 1, isr: [1], elr: [3], last: [] });
  expect(controller.shape('single', 0)).toEqual({ leader: -1, isr: [], elr: [3], last: [3] });
  expect(controller.shape('single', 1)).toEqual({ leader: 1, isr: [1], elr: [], last: [] });
  controller.beat(3);
  expect(controller.shape('single', 0)).toEqual({ leader: 3, isr: [3], elr: [], last: [] });
});

test('without ELR the last member stays in the ISR', () => {
  const controller = new TestController({}, 7, false).start(1, 2);
  controller.create('t', [[1, 2]]);
  controller.kill(1);
  controller.kill(2);
  expect(controller.shape('t')).toEqual({ leader: -1, isr: [2], elr: [], last: [] });
  controller.beat(1);
  expect(controller.shape('t').leader).toBe(-1);
  controller.beat(2);
  expect(controller.shape('t')).toEqual({ leader: 2, isr: [2], elr: [], last: [] });
});

test("an unclean election happens when the topic's configuration begins to allow it", () => {
  const controller = new TestController({}, 7, false).start(1, 2);
  controller.create('t', [[1, 2]]);
  controller.kill(2);
  controller.kill(1);
  controller.beat(2);
  expect(controller.shape('t')).toMatchObject({ leader: -1, isr: [1] });
  const resource = {
    resourceType: 2,
    resourceName: 't',
    configs: [{ name: 'unclean.leader.election.enable', configOperation: 0, value: 'true' }],
  };
  controller.call(44, { resources: [resource], validateOnly: false });
  expect(controller.shape('t')).toMatchObject({ leader: 2, isr: [2] });
  expect(controller.partition('t').leaderRecoveryState).toBe(1);
});

test('UnregisterBroker removes the broker and moves its leaderships', () => {
  const controller = new TestController().start(1, 2);
  controller.create('t', [[1, 2]]);
  expect(codeOf(() => controller.call(64, { brokerId: 9 }))).toBe(102);
  controller.call(64, { brokerId: 1 });
  expect([...controller.image.cluster.brokers.keys()]).toEqual([2]);
  expect(controller.shape('t')).toMatchObject({ leader: 2, isr: [2] });
});

test('AllocateProducerIds returns each block once, and refuses a stale broker epoch', () => {
  const controller = new TestController().start(1);
  const take = () => controller.call(67, { brokerId: 1, brokerEpoch: controller.epochOf(1) });
  expect([take(), take()].map((one) => [one.producerIdStart, one.producerIdLen])).toEqual([
    [0, 1000],
    [1000, 1000],
  ]);
  expect(codeOf(() => controller.call(67, { brokerId: 1, brokerEpoch: 999 }))).toBe(77);
});
