/** Bounds of a node (docs/limits.md), exceeded from outside. One node with small bounds. */
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { requestFrame } from '../../../src/protocol/frames.ts';
import { FetchRequest } from '../../../src/protocol/messages/01-fetch.ts';
import { MetadataRequest } from '../../../src/protocol/messages/03-metadata.ts';
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
