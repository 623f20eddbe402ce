import { expect, test } from 'vitest';
import { nodeId } from '../../../src/base/ids.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../../src/protocol/messages/topics/19-create-topics.ts';
import { encode } from '../../../src/protocol/codec/codec.ts';
import type { MessageStream } from '../../../src/base/network.ts';
import { ControllerServer } from '../../../src/server/controller/controller-server.ts';
import type { Call, CallFrame, ReplyFrame } from '../../../src/server/calls/messages.ts';
import { helloOf } from '../../../src/base/hello.ts';
import { identityOf } from '../identity.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import type { TestNode } from './cluster.ts';
import { simulated, TestCluster, threeNodes } from './cluster.ts';

function createTopic(
  node: TestNode,
  name: string,
  replicas: number[],
  deadlineMs = 10_000,
): Promise<[number, string | null]> {
  return node.client
    .request(
      CreateTopicsRequest,
      CreateTopicsResponse,
      7,
      {
        topics: [
          {
            name,
            numPartitions: -1,
            replicationFactor: -1,
            assignments: [{ partitionIndex: 0, brokerIds: replicas }],
            configs: [],
          },
        ],
      },
      { deadlineMs },
    )
    .then(({ topics }) => [topics[0]?.errorCode ?? -1, topics[0]?.errorMessage ?? null]);
}

/** A CreateTopics request in the form in which a broker sends it to the controller. */
function creating(...names: string[]): Call {
  const topics = names.map((name) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }));
  const body = encode(CreateTopicsRequest, 7, { topics, timeoutMs: 1000 });
  return {
    type: 'call',
    requestId: 1,
    lowestPendingId: 1,
    apiKey: 19,
    apiVersion: 7,
    principal: '',
    clientId: '',
    body,
  };
}

function leaderOf(cluster: TestCluster, seenBy: number, topic: string): number | undefined {
  return cluster.node(seenBy).loader.image.topics.byName(topic)?.partitions[0]?.leader;
}

test(
  'a new cluster has its bootstrap records, and its brokers are unfenced within milliseconds',
  simulated((seed) => {
    const cluster = new TestCluster(seed);
    for (const id of [1, 2, 3]) cluster.boot(id);
    cluster.shared.elect(1);
    for (const id of [1, 2, 3]) cluster.start(cluster.node(id));
    const tookMs = cluster.until(() =>
      [1, 2, 3].every((id) => cluster.node(id).lifecycle.state === 'RUNNING'),
    );
    expect(tookMs).toBeLessThan(100);
    cluster.until(() => [1, 2, 3].every((id) => cluster.isFenced(id, 3) === false));
    const { image } = cluster.node(3).loader;
    expect(image.features.levels.get('metadata.version')).toBe(30);
    expect(image.configs.brokerDefault().get('min.insync.replicas')).toBe('1');
    expect([...image.cluster.brokers.values()].map((broker) => [broker.id, broker.fenced])).toEqual([
      [1, false],
      [2, false],
      [3, false],
    ]);
  }),
);

test(
  'a response without a change waits for proof that this controller is still the active one',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    expect(cluster.result(createTopic(cluster.node(1), 'taken', [1]))[0]).toBe(0);
    const before = cluster.shared.barriers;
    expect(cluster.result(createTopic(cluster.node(1), 'taken', [1]))[0]).toBe(36);
    expect(cluster.shared.barriers).toBeGreaterThan(before);
    // Another controller has been elected and may have deleted the topic, so this one may not answer that the topic exists.
    cluster.shared.isSuperseded = true;
    const answer = createTopic(cluster.node(1), 'taken', [1], 200).then(
      ([code]) => code,
      () => -1,
    );
    expect(cluster.result(answer)).not.toBe(36);
  }),
);

test(
  'concurrent requests share a proposal, and each is answered',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    const before = cluster.shared.proposals;
    const names = Array.from({ length: 50 }, (_, i) => `t${i}`);
    const answers = cluster.result(
      Promise.all(names.map((name) => createTopic(cluster.node(1), name, [1, 2]))),
    );
    expect(answers).toEqual(names.map(() => [0, null]));
    expect(cluster.shared.proposals - before).toBeLessThanOrEqual(3);
    expect(cluster.result(createTopic(cluster.node(2), 't7', [1]))).toEqual([
      36,
      "Topic 't7' already exists.",
    ]);
  }),
);

test(
  'a response waits for the commit of the changes that it depends on',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    const order: string[] = [];
    const first = createTopic(cluster.node(1), 'a', [1]).then(() => order.push('created'));
    const second = createTopic(cluster.node(1), 'a', [1]).then(([code]) => order.push(`refused ${code}`));
    cluster.result(Promise.all([first, second]));
    expect(order).toEqual(['created', 'refused 36']);
    expect(cluster.node(1).loader.image.topics.byName('a')).toBeDefined();
  }),
);

test(
  'a killed broker loses its leaderships at once, without waiting for its session',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    cluster.result(createTopic(cluster.node(1), 't', [3, 2]));
    cluster.until(() => leaderOf(cluster, 2, 't') === 3);
    cluster.kill(3);
    const tookMs = cluster.until(() => leaderOf(cluster, 2, 't') === 2);
    expect(tookMs).toBeLessThan(200);
    expect(cluster.isFenced(3, 1)).toBe(true);
  }),
);

test(
  'when a combined node dies, the next active controller moves its leaderships at once',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    cluster.result(createTopic(cluster.node(2), 't', [1, 2]));
    cluster.until(() => leaderOf(cluster, 2, 't') === 1);
    cluster.kill(1);
    cluster.shared.elect(2);
    const tookMs = cluster.until(() => leaderOf(cluster, 3, 't') === 2);
    expect(tookMs).toBeLessThan(100);
    expect(cluster.result(createTopic(cluster.node(3), 'u', [3]))).toEqual([0, null]);
  }),
);

test(
  'a paused broker is fenced when its session ends, and unfenced when it resumes',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    cluster.result(createTopic(cluster.node(1), 't', [3, 2]));
    cluster.until(() => leaderOf(cluster, 1, 't') === 3);
    cluster.node(3).host.pause();
    cluster.for(6500);
    expect(cluster.isFenced(3, 1)).toBe(false);
    const tookMs = cluster.until(() => cluster.isFenced(3, 1) === true);
    expect(tookMs).toBeLessThan(3000);
    expect(leaderOf(cluster, 1, 't')).toBe(2);
    cluster.node(3).host.resume();
    cluster.until(() => cluster.isFenced(3, 1) === false, 3000);
  }),
);

test(
  'a broker that is restarted right after a kill can register at once',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    cluster.kill(3);
    cluster.start(cluster.boot(3));
    const tookMs = cluster.until(() => cluster.node(3).lifecycle.state === 'RUNNING');
    expect(tookMs).toBeLessThan(300);
  }),
);

test(
  'controlled shutdown: the leaderships have moved before the broker stops',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    cluster.result(createTopic(cluster.node(1), 't', [3, 2]));
    cluster.until(() => leaderOf(cluster, 3, 't') === 3);
    const startMs = cluster.world.nowMs;
    cluster.result(cluster.node(3).lifecycle.shutdown());
    expect(leaderOf(cluster, 3, 't')).toBe(2);
    expect(cluster.node(3).lifecycle.state).toBe('SHUTTING_DOWN');
    expect(cluster.world.nowMs - startMs).toBeLessThan(200);
    expect(cluster.isFenced(3, 1)).toBe(true);
  }),
);

test(
  'a controlled shutdown without a controller ends within five seconds',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    cluster.kill(1);
    cluster.kill(2);
    cluster.shared.leader = { id: null, epoch: 9 };
    cluster.node(3).log.leaderChanged();
    const startMs = cluster.world.nowMs;
    cluster.result(cluster.node(3).lifecycle.shutdown());
    expect(cluster.world.nowMs - startMs).toBeLessThan(5000);
  }),
);

test(
  'a pending request is carried out by the next active controller',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    const pending = createTopic(cluster.node(3), 'moved', [3]);
    cluster.shared.elect(2);
    const [code] = cluster.result(pending);
    expect([0, 36]).toContain(code);
    expect(cluster.node(2).loader.image.topics.byName('moved')).toBeDefined();
  }),
);

test(
  'without an active controller a request fails at its deadline',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    cluster.kill(1);
    cluster.shared.leader = { id: null, epoch: 9 };
    const startMs = cluster.world.nowMs;
    expect(() => cluster.result(createTopic(cluster.node(2), 'never', [2], 1000))).toThrow('timed out');
    expect(cluster.world.nowMs - startMs).toBeLessThan(1300);
  }),
);

test(
  'a newly elected controller answers requests when it is active, or refuses them when another leads',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    const call = creating();
    const ask = (id: number): string[] => {
      const outcome: string[] = [];
      cluster
        .node(id)
        .driver.submit(call, { nodeId: nodeId(1), bootId: 1, isAwaited: () => true })
        .then(
          () => outcome.push('answered'),
          (error: unknown) => outcome.push(String(error)),
        );
      return outcome;
    };
    cluster.shared.announce(2);
    cluster.for(5);
    const early = ask(2);
    const elsewhere = ask(3);
    cluster.for(50);
    expect(early).toEqual([]);
    expect(elsewhere).toEqual([expect.stringContaining('not the correct controller')]);
    cluster.shared.replicas.get(nodeId(2))?.activate();
    cluster.until(() => early.length > 0);
    expect(early).toEqual(['answered']);
    cluster.shared.announce(3);
    cluster.for(5);
    const inVain = ask(3);
    cluster.shared.announce(1);
    cluster.until(() => inVain.length > 0);
    expect(inVain).toEqual([expect.stringContaining('not the correct controller')]);
  }),
);

test(
  'a request whose stream ended before the controller was active is not carried out',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    const { driver, log } = cluster.node(2);
    const server = new ControllerServer({
      identity: identityOf(2),
      driver,
      leader: () => log.leader(),
      logger: silentLogger,
    });
    const ask = (name: string, from: number): MessageStream<ReplyFrame, CallFrame> => {
      const stream: MessageStream<ReplyFrame, CallFrame> = {
        onMessage() {},
        onClose() {},
        onDrain() {},
        send: () => true,
        close() {},
      };
      server.accept(stream);
      stream.onMessage(helloOf(identityOf(from), 2));
      stream.onMessage(creating(name));
      return stream;
    };
    cluster.shared.announce(2);
    cluster.for(5);
    ask('of-one-who-hung-up', 8).onClose(null);
    ask('of-one-who-waits', 9);
    cluster.shared.replicas.get(nodeId(2))?.activate();
    cluster.until(() => cluster.node(3).loader.image.topics.byName('of-one-who-waits') !== undefined);
    cluster.for(50);
    expect(cluster.node(3).loader.image.topics.byName('of-one-who-hung-up')).toBeUndefined();
  }),
);

test(
  'a request for 10,000 partitions makes several proposals',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    const before = cluster.shared.proposals;
    const request = cluster.node(1).client.request(CreateTopicsRequest, CreateTopicsResponse, 7, {
      topics: Array.from({ length: 100 }, (_, i) => ({
        name: `many-${i}`,
        numPartitions: 100,
        replicationFactor: 3,
        assignments: [],
        configs: [],
      })),
    });
    const { topics } = cluster.result(request);
    expect(topics.every((topic) => topic.errorCode === 0)).toBe(true);
    expect(cluster.shared.proposals - before).toBeGreaterThan(8);
    cluster.until(() => cluster.node(3).loader.image.topics.size === 100);
    cluster.kill(3);
    cluster.until(() => cluster.isFenced(3, 1) === true);
    cluster.until(() =>
      [...cluster.node(1).loader.image.topics.all()].every((topic) =>
        topic.partitions.every((partition) => partition.leader !== 3 && !partition.isr.includes(nodeId(3))),
      ),
    );
  }),
);

test(
  'proposals that fail together, because the leadership is lost, are one line of the log',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    const before = cluster.shared.proposals;
    const topics = Array.from({ length: 100 }, (_, i) => ({
      name: `many-${i}`,
      numPartitions: 100,
      replicationFactor: 3,
      assignments: [],
      configs: [],
    }));
    void cluster
      .node(1)
      .client.request(CreateTopicsRequest, CreateTopicsResponse, 7, { topics })
      .catch(() => undefined);
    cluster.until(() => cluster.shared.proposals - before >= 4);
    cluster.shared.elect(2);
    cluster.until(() => cluster.node(2).driver.isActive && !cluster.node(1).driver.isActive);
    const line = 'A proposal to the metadata log was not accepted';
    expect(cluster.infos.filter((message) => message === line)).toHaveLength(1);
  }),
);

const queueLengthMax = 10_000;

/**
 * Sends `count` requests of different nodes at the same moment. `busy` is how many were refused because the controller's queue
 * is full.
 */
function refusedOf(cluster: TestCluster, count: number): { busy: number; ended: () => boolean } {
  const seen = { busy: 0, ended: 0 };
  const { driver } = cluster.node(1);
  for (let i = 0; i < count; i++)
    driver
      .submit({ ...creating(''), requestId: i }, { nodeId: nodeId(i), bootId: 1, isAwaited: () => true })
      .catch((error: unknown) => {
        if (String(error).includes('The controller is busy')) seen.busy++;
      })
      .finally(() => seen.ended++);
  return {
    get busy() {
      return seen.busy;
    },
    ended: () => seen.ended === count,
  };
}

test(
  'at most queueLengthMax requests are queued, before and after the controller is active',
  simulated((seed) => {
    const cluster = threeNodes(seed);
    const active = refusedOf(cluster, queueLengthMax + 5);
    cluster.until(active.ended);
    expect(active.busy).toBe(5);
    cluster.shared.announce(2);
    cluster.shared.announce(1);
    cluster.for(10);
    const elected = refusedOf(cluster, queueLengthMax + 5);
    cluster.for(10);
    // At least five, not exactly: heartbeats of the brokers are in the same queue.
    expect(elected.busy).toBeGreaterThanOrEqual(5);
    expect(elected.busy).toBeLessThan(5 + 20);
    expect(elected.ended()).toBe(false);
    cluster.shared.elect(1);
    cluster.until(elected.ended);
  }),
);
