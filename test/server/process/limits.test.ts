/** Exceeds bounds of docs/limits.md from outside, on one node that is configured with small bounds. */
import grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { requestFrame } from '../../../src/protocol/frames.ts';
import { FetchRequest } from '../../../src/protocol/messages/records/01-fetch.ts';
import { MetadataRequest } from '../../../src/protocol/messages/cluster/03-metadata.ts';
import { createTopic, type NodeFiles, Workshop } from './harness.ts';
import { RawSocket } from './raw-socket.ts';

const workshop = new Workshop();
const perIpMax = 30;
let node: NodeFiles;
const sockets: RawSocket[] = [];

async function raw(): Promise<RawSocket> {
  const socket = await RawSocket.open(node.broker);
  sockets.push(socket);
  return socket;
}

beforeAll(async () => {
  [node] = (await workshop.nodes(1, {
    'max.connections.per.ip': perIpMax,
    'connections.max.idle.ms': 3_000,
    'socket.request.max.bytes': 1_000_000,
    'queued.max.request.bytes': 1_000_000,
  })) as [NodeFiles];
  await workshop.format([node]);
  await workshop.startAll([node]);
  await createTopic(workshop.client(node), 'a', 1, 1);
});

afterAll(async () => {
  for (const socket of sockets) socket.close();
  await workshop.close();
});

test('a frame that fills queued.max.request.bytes is served while a fetch is pending', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const head = { apiVersion: 4, correlationId: 1, clientId: 'x' };
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
  const fetch = {
    replicaId: -1,
    maxWaitMs: 60_000,
    minBytes: 1,
    maxBytes: 1000,
    topics: [{ topic: 'a', partitions }],
  };
  (await raw()).send(...requestFrame(FetchRequest, head, fetch));
  const topics = Array.from({ length: 499 }, (_, i) => ({ name: `${i}`.padStart(2_000, 'x') }));
  const large = await raw();
  large.send(
    ...requestFrame(
      MetadataRequest,
      { ...head, correlationId: 2 },
      { topics, allowAutoTopicCreation: false },
    ),
  );
  expect((await large.frame()).readInt32BE(0)).toBe(2);
});

test('silent connections count for max.connections.per.ip and are closed when idle', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const silent: RawSocket[] = [];
  for (let i = 0; i < 2 * perIpMax; i++) silent.push(await raw());
  await expect
    .poll(() => silent.filter(({ isClosed }) => isClosed).length, { timeout: 2_000 })
    .toBeGreaterThanOrEqual(perIpMax);
  expect(silent.filter(({ isClosed }) => !isClosed).length).toBeLessThanOrEqual(perIpMax);
  await Promise.all(silent.map((socket) => socket.closed()));
});

/** The status with which a node ends a peer's stream after a message of an unknown kind. */
function statusOfPeerStream(): Promise<grpc.StatusObject> {
  const client = new grpc.Client(`localhost:${node.broker.port}`, grpc.credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  const call = client.makeBidiStreamRequest('/bendemann.v1.Peer/Broker', same, same);
  call.on('data', () => undefined).on('error', () => undefined);
  call.write(Buffer.alloc(0));
  call.end();
  return new Promise((resolve) => {
    call.on('status', (status: grpc.StatusObject) => {
      client.close();
      resolve(status);
    });
  });
}

test('streams of other nodes are served by a listener that is full of clients', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const clients: RawSocket[] = [];
  const metadata = requestFrame(
    MetadataRequest,
    { apiVersion: 4, correlationId: 3, clientId: 'x' },
    { topics: [], allowAutoTopicCreation: false },
  );
  for (let i = 0; i < perIpMax; i++) clients.push((await raw()).send(...metadata));
  // The last of these connections may exceed the limit, because the workshop's client has connections as well.
  await expect.poll(() => clients.filter(({ received }) => received.length > 0).length).toBeGreaterThan(25);
  const refused = (await raw()).send(...metadata);
  await refused.closed();
  expect(refused.received.length).toBe(0);
  const { code } = await statusOfPeerStream();
  expect(code).toBe(grpc.status.OK);
});
