import { afterEach, describe, expect, test } from 'vitest';
import { createTransport, type Transport } from '../../../src/adapters/one-port.ts';
import type { MessageStream, PeerNetwork } from '../../../src/base/network.ts';
import { nodeId } from '../../../src/base/ids.ts';
import type { KafkaServer } from '../../../src/broker/kafka-server.ts';
import { peerRequestsInFlightMax } from '../../../src/broker/limits.ts';
import { encode } from '../../../src/protocol/codec/codec.ts';
import { KafkaError } from '../../../src/protocol/errors.ts';
import { FetchRequest, FetchResponse } from '../../../src/protocol/messages/records/01-fetch.ts';
import {
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../../src/protocol/messages/records/02-list-offsets.ts';
import {
  BrokerHeartbeatRequest,
  BrokerHeartbeatResponse,
} from '../../../src/protocol/messages/brokers/63-broker-heartbeat.ts';
import { StreamBrokerClient } from '../../../src/server/calls/broker-client.ts';
import { helloOf, versionMax } from '../../../src/base/hello.ts';
import { BrokerServer } from '../../../src/server/calls/broker-server.ts';
import {
  brokerChannel,
  type Call,
  type CallFrame,
  type Reply,
  type ReplyFrame,
} from '../../../src/server/calls/messages.ts';
import { identityOf } from '../identity.ts';
import { streamPair } from '../../../src/simulation/streams.ts';
import { record } from '../../../src/metadata/records.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { systemScheduler } from '../../../src/adapters/clock.ts';
import { type Scenario, simulate } from '../../../src/testing/index.ts';
import { brokerRecord, idA, ManualTime, TestBroker } from '../../broker/harness.ts';

const listOffsets = {
  replicaId: -1,
  isolationLevel: 0,
  topics: [{ name: 'a', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }] }],
};
/** A fetch at the end of the log, which the leader answers only after `waitMs`. */
const longFetch = (topicId: string, waitMs: number) => ({
  maxWaitMs: waitMs,
  minBytes: 1,
  topics: [{ topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1024 }] }],
});
/** Waits until a request is refused and returns the name of its error. */
const refusal = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'NONE',
    (error: unknown) => (error instanceof KafkaError ? error.error.name : String(error)),
  );

describe('in a simulated cluster', () => {
  function started(cluster: Scenario) {
    cluster.start();
    cluster.await(cluster.createTopic('a', { replicationFactor: 1 }));
    const leader = cluster.leaderOf('a', 0);
    const other = cluster.nodes.find((node) => node !== leader);
    const brokers = other?.node?.brokers ?? null;
    const topicId = other?.node?.image?.topics.byName('a')?.id ?? '';
    if (leader === null || other === undefined || brokers === null) throw new Error('no leader');
    return { leader, other, brokers, topicId };
  }

  test('a broker answers another broker, and itself', async () => {
    const run = () =>
      simulate({ seed: 5, nodeCount: 3 }, (cluster) => {
        const { leader, other, brokers } = started(cluster);
        const ask = (id: number) =>
          cluster.await(brokers.request(nodeId(id), ListOffsetsRequest, ListOffsetsResponse, 10, listOffsets))
            .topics[0]?.partitions[0]?.errorCode;
        return { codes: [ask(leader.id), ask(other.id)], hash: cluster.world.traceHash };
      });
    const first = await run();
    // 0: no error from the leader; 6 (NOT_LEADER_OR_FOLLOWER) from the other broker.
    expect(first.codes).toEqual([0, 6]);
    expect(await run()).toEqual(first);
  });

  test('a request to an unknown broker, or of an API that brokers do not serve to each other, is refused', async () => {
    const errors = await simulate({ seed: 6, nodeCount: 2 }, (cluster) => {
      const { leader, other, brokers } = started(cluster);
      const unknown = brokers.request(nodeId(9), ListOffsetsRequest, ListOffsetsResponse, 10, listOffsets);
      const beat = { brokerId: 1, brokerEpoch: 1, currentMetadataOffset: 1, wantFence: false };
      const heartbeat = (id: number) =>
        brokers.request(nodeId(id), BrokerHeartbeatRequest, BrokerHeartbeatResponse, 1, {
          ...beat,
          wantShutDown: false,
        });
      const answers = [unknown, heartbeat(leader.id), heartbeat(other.id)];
      return answers.map((answer) => cluster.await(refusal(answer)));
    });
    expect(errors).toEqual(['NETWORK_EXCEPTION', 'UNSUPPORTED_VERSION', 'UNSUPPORTED_VERSION']);
  });

  test.each(['kill', 'power'] as const)('pending calls fail when their broker dies: %s', async (kind) => {
    const { error, waitedMs } = await simulate({ seed: 7, nodeCount: 3 }, (cluster) => {
      const { leader, brokers, topicId } = started(cluster);
      const fetch = longFetch(topicId, 100_000);
      const options = { deadlineMs: 100_000 };
      const answer = refusal(
        brokers.request(leader.id as never, FetchRequest, FetchResponse, 17, fetch, options),
      );
      cluster.run(1_000);
      const startMs = cluster.world.nowMs;
      cluster.crash(leader, kind);
      return { error: cluster.await(answer, 200_000), waitedMs: cluster.world.nowMs - startMs };
    });
    expect(error).toBe('NETWORK_EXCEPTION');
    // A killed process resets its streams, which the caller notices at once. After a power cut, the caller notices only when
    // the broker is fenced.
    expect(waitedMs).toBeLessThan(kind === 'kill' ? 100 : 20_000);
  });

  // Bound: callBodyBytesMax.
  test('a body above the bound is not sent', async () => {
    const errors = await simulate({ seed: 8, nodeCount: 1 }, (cluster) => {
      cluster.start();
      const brokers = cluster.nodes[0]?.node?.brokers;
      const topics = [{ name: 'x'.repeat(20_000), partitions: listOffsets.topics[0]?.partitions ?? [] }];
      const large = { ...listOffsets, topics: Array.from({ length: 900 }, () => topics[0] as never) };
      return cluster.await(
        refusal(
          brokers?.request(nodeId(1), ListOffsetsRequest, ListOffsetsResponse, 10, large) ??
            Promise.resolve(),
        ),
      );
    });
    expect(errors).toBe('INVALID_REQUEST');
  });

  test('a call fails at its deadline; the next one is answered on the same stream', async () => {
    const errors = await simulate({ seed: 8, nodeCount: 3 }, (cluster) => {
      const { leader, brokers, topicId } = started(cluster);
      const id = nodeId(leader.id);
      const options = { deadlineMs: 50 };
      const late = brokers.request(id, FetchRequest, FetchResponse, 17, longFetch(topicId, 10_000), options);
      const next = brokers.request(id, ListOffsetsRequest, ListOffsetsResponse, 10, listOffsets, options);
      return [cluster.await(refusal(next)), cluster.await(refusal(late))];
    });
    expect(errors).toEqual(['NONE', 'NETWORK_EXCEPTION']);
  });
});

/** The client by which broker 2 sends requests to broker 1, whose address in its metadata has `port`. */
function clientOf(port: number, peers: PeerNetwork): StreamBrokerClient {
  const image = new TestBroker({
    records: [
      record('RegisterBrokerRecord', {
        brokerId: 1,
        incarnationId: idA,
        brokerEpoch: 10,
        endPoints: [{ name: 'PLAINTEXT', host: '127.0.0.1', port, securityProtocol: 0 }],
        features: [],
        rack: null,
        fenced: false,
        logDirs: [],
      }),
      brokerRecord(2),
    ],
  }).image;
  return new StreamBrokerClient({
    identity: identityOf(2),
    interBrokerListenerName: 'PLAINTEXT',
    image: () => image,
    local: () => null,
    peers,
    scheduler: systemScheduler,
  });
}

/** The part of broker 1 that answers requests of other brokers, with the handlers of `host`. */
function brokerServer(host: KafkaServer): BrokerServer {
  return new BrokerServer({
    identity: identityOf(1),
    host,
    leader: () => ({ id: null, epoch: -1 }),
    logger: silentLogger,
  });
}

describe('over gRPC', () => {
  const open: Transport[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });
  function transport(): Transport {
    const made = createTransport({ logger: silentLogger });
    open.push(made);
    return made;
  }

  test('a request is answered; pending and new requests fail when the broker stops', async () => {
    const [here, there] = [transport(), transport()];
    const { server } = new TestBroker();
    const calls = brokerServer(server);
    there.peers.accept(brokerChannel, (stream) => calls.accept(stream));
    const { address } = await there.network.listen({ host: '127.0.0.1', port: 0 }, () => {});
    const client = clientOf(address.port, here.peers);
    const answer = await client.request(
      nodeId(1),
      ListOffsetsRequest,
      ListOffsetsResponse,
      10,
      listOffsets,
      {},
    );
    expect(answer.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, offset: 0 });
    const pending = refusal(
      client.request(nodeId(1), FetchRequest, FetchResponse, 17, longFetch(idA, 60_000)),
    );
    await there.close();
    expect(await pending).toBe('NETWORK_EXCEPTION');
    client.close();
    expect(
      await refusal(client.request(nodeId(1), ListOffsetsRequest, ListOffsetsResponse, 10, listOffsets)),
    ).toBe('NETWORK_EXCEPTION');
  });
});

describe('a stream of another broker', () => {
  /** Opens a stream to broker 1 and sends these messages. Resolves to the answers, and whether the broker closed the stream. */
  async function say(messages: readonly CallFrame[]) {
    const [ours, theirs] = streamPair(new ManualTime());
    brokerServer(new TestBroker().server).accept(theirs as MessageStream<ReplyFrame, CallFrame>);
    const got: ReplyFrame[] = [];
    let isClosed = false;
    ours.onMessage = (message) => got.push(message as ReplyFrame);
    ours.onClose = () => {
      isClosed = true;
    };
    for (const message of messages) ours.send(message);
    for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    return { got, replies: got.filter((message): message is Reply => message.type === 'reply'), isClosed };
  }
  const hello = helloOf(identityOf(2), 1);
  const call = (apiKey: number, apiVersion: number, body: Uint8Array, requestId = 1): Call => ({
    type: 'call',
    requestId,
    lowestPendingId: 1,
    apiKey,
    apiVersion,
    principal: '',
    clientId: 'broker-2',
    body,
  });
  const good = encode(ListOffsetsRequest, 10, listOffsets);

  test('is answered after a valid hello', async () => {
    const { got, isClosed } = await say([hello, call(2, 10, good)]);
    expect(isClosed).toBe(false);
    expect(got).toMatchObject([
      { type: 'hello', clusterId: 'test-cluster', nodeId: 1, wantedNodeId: 2 },
      { type: 'reply', requestId: 1, errorCode: 0 },
    ]);
  });

  test.each<[string, CallFrame]>([
    ['a call without a hello', call(2, 10, good)],
    ['another cluster', helloOf(identityOf(2, { clusterId: 'other' }), 1)],
    ['a hello for another broker', helloOf(identityOf(2), 3)],
    ['no version in common', { ...hello, versionMin: versionMax + 1, versionMax: versionMax + 2 }],
  ])('is closed without a response: %s', async (_, first) => {
    const { got, replies, isClosed } = await say([first, call(2, 10, good)]);
    expect(replies).toEqual([]);
    // The broker sends its hello and nothing else.
    expect(got.map(({ type }) => type)).toEqual(['hello']);
    expect(isClosed).toBe(true);
  });

  test('stays open after an invalid body and an API that is not served, which are refused', async () => {
    const { replies, isClosed } = await say([hello, call(2, 10, new Uint8Array(1)), call(52, 0, good, 2)]);
    expect(isClosed).toBe(false);
    expect(replies.map(({ errorCode }) => errorCode).sort((a, b) => a - b)).toEqual([35, 42]);
  });

  test('may have peerRequestsInFlightMax pending calls, more are refused', async () => {
    const fetch = encode(FetchRequest, 17, longFetch(idA, 60_000));
    const calls = Array.from({ length: peerRequestsInFlightMax + 1 }, (_, at) => call(1, 17, fetch, at));
    const { replies } = await say([hello, ...calls]);
    expect(replies).toMatchObject([{ requestId: peerRequestsInFlightMax, errorCode: 13 }]);
  });
});
