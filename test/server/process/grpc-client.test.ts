/**
 * Any gRPC client that has the files of proto/ can talk to a node. These tests use @grpc/grpc-js and @grpc/proto-loader and
 * none of our own code.
 */
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { type NodeFiles, Workshop } from './harness.ts';

const proto = protoLoader.loadSync(join(import.meta.dirname, '../../../proto/peer.proto'), {
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});
const loaded = grpc.loadPackageDefinition(proto) as unknown as {
  bendemann: { v1: { Peer: grpc.ServiceClientConstructor } };
};
type Call = grpc.ClientDuplexStream<object, Record<string, unknown>>;

describe('a gRPC client with proto/ alone', () => {
  const workshop = new Workshop();
  let node: NodeFiles;
  const clients: grpc.Client[] = [];

  beforeAll(async () => {
    [node] = (await workshop.nodes(1)) as [NodeFiles];
    await workshop.format([node]);
    await workshop.startAll([node]);
  });

  afterAll(async () => {
    for (const client of clients) client.close();
    await workshop.close();
  });

  function open(method: string, port: number): Call {
    const client = new loaded.bendemann.v1.Peer(`localhost:${port}`, grpc.credentials.createInsecure());
    clients.push(client);
    return (client as unknown as Record<string, () => Call>)[method]?.call(client) as Call;
  }
  const hello = (more: object = {}) => ({
    hello: {
      clusterId: workshop.clusterId,
      nodeId: 77,
      directoryId: 'AAAAAAAAAAAAAAAAAAAAAg',
      bootId: 1,
      versionMin: 1,
      versionMax: 3,
      release: 'of somebody else',
      wantedNodeId: -1,
      ...more,
    },
  });
  /** Resolves to the first `count` messages of the call. */
  function first(call: Call, count: number): Promise<Record<string, unknown>[]> {
    return new Promise((resolve, reject) => {
      const got: Record<string, unknown>[] = [];
      call.on('data', (message: Record<string, unknown>) => {
        got.push(message);
        if (got.length === count) resolve(got);
      });
      call.on('error', reject);
    });
  }

  test('gets the served APIs from a broker', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const call = open('Broker', node.broker.port);
    const answers = first(call, 2);
    call.write(hello());
    call.write({ call: { requestId: 5, lowestPendingId: 5, apiKey: 18, apiVersion: 0 } });
    const [greeting, answer] = await answers;
    expect(greeting?.['hello']).toMatchObject({ clusterId: workshop.clusterId, nodeId: 1, wantedNodeId: 77 });
    const reply = answer?.['reply'] as { requestId: number; errorCode: number; body: Buffer };
    expect(reply).toMatchObject({ requestId: 5, errorCode: 0 });
    // The beginning of an ApiVersionsResponse v0: error code, then the number of APIs.
    expect(reply.body.readInt16BE(0)).toBe(0);
    expect(reply.body.readInt32BE(2)).toBeGreaterThan(20);
    call.end();
  });

  test('reads the metadata log as an observer', async () => {
    const call = open('Observe', node.controller.port);
    const messages = first(call, 3);
    call.write(hello());
    call.write({ credit: { sizeBytes: 1_000_000, endOffset: 0 } });
    const kinds = (await messages).map((message) => message['body']);
    expect(kinds.slice(0, 2)).toEqual(['hello', 'status']);
    expect(['entries', 'begin']).toContain(kinds[2]);
    call.end();
  });

  test.each([
    ['another cluster', { clusterId: 'AAAAAAAAAAAAAAAAAAAAAw' }, /belongs to cluster AAAAAAAAAAAAAAAAAAAAAw/],
    ['no version in common', { versionMin: 2 }, /speaks versions 2 to 3/],
    ['a hello for another node', { wantedNodeId: 9 }, /looks for node 9, this is node 1/],
  ])('is refused with the reason: %s', async (_, more, reason) => {
    for (const method of ['Raft', 'RaftBulk', 'Observe', 'Controller', 'Broker', 'Replication']) {
      const call = open(method, node.broker.port);
      const error = new Promise<grpc.ServiceError>((resolve) => call.on('error', resolve));
      call.on('data', () => {});
      call.write(hello(more));
      const { code, details } = await error;
      expect([method, code, details]).toEqual([
        method,
        grpc.status.FAILED_PRECONDITION,
        expect.stringMatching(reason),
      ]);
    }
  });

  test('is refused without a hello', async () => {
    const call = open('Controller', node.controller.port);
    const got: unknown[] = [];
    call.on('data', (message) => got.push(message));
    const error = new Promise<grpc.ServiceError>((resolve) => call.on('error', resolve));
    call.write({ call: { requestId: 1, apiKey: 19, apiVersion: 7, body: Buffer.alloc(30) } });
    expect((await error).code).toBe(grpc.status.FAILED_PRECONDITION);
    expect(got.filter((message) => (message as { body: string }).body === 'reply')).toEqual([]);
  });
});
