import { expect, test } from 'vitest';
import { systemClock, systemScheduler } from '../../../src/adapters/clock.ts';
import { nodeId } from '../../../src/base/ids.ts';
import type { MessageStream, PeerNetwork } from '../../../src/base/network.ts';
import type { LeaderView } from '../../../src/raft/api.ts';
import { StreamControllerClient } from '../../../src/server/controller/controller-client.ts';
import type { ControllerDriver } from '../../../src/server/controller/controller-driver.ts';
import type { Call, CallFrame, Reply, ReplyFrame } from '../../../src/server/calls/messages.ts';
import { helloOf } from '../../../src/base/hello.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { identityOf } from '../identity.ts';

type CallerStream = MessageStream<CallFrame, ReplyFrame>;

/** A client connected to a test double of the controller on node 1, which handles each request with `answer`. */
function clientOf(answer: (call: Call, stream: CallerStream) => void): StreamControllerClient {
  return new StreamControllerClient({
    identity: identityOf(2),
    log: { leader: () => ({ id: nodeId(1), epoch: 1 }), addressOf: () => ({ host: 'n1', port: 1 }) },
    bootstrap: [],
    local: null,
    peers: peersThat(answer),
    clock: systemClock,
    scheduler: systemScheduler,
  });
}

function peersThat(answer: (call: Call, stream: CallerStream) => void): PeerNetwork {
  const open = (): CallerStream => {
    const stream: CallerStream = {
      onMessage() {},
      onClose() {},
      onDrain() {},
      send: (message) => {
        if (message.type === 'call') queueMicrotask(() => answer(message, stream));
        return true;
      },
      close() {},
    };
    return stream;
  };
  return { open, accept() {} } as unknown as PeerNetwork;
}

function answered({ requestId, body }: Call): Reply {
  const answer = new Uint8Array([body[0] ?? 0]);
  return { type: 'reply', requestId, errorCode: 0, errorMessage: '', leaderId: 1, epoch: 1, body: answer };
}

test('controller client: a request is sent again when its stream broke, but not after its response', async () => {
  const calls: number[] = [];
  let breaks = 0;
  const client = clientOf((call, stream) => {
    calls.push(call.body[0] ?? 0);
    if (breaks-- > 0) stream.onClose(null);
    else stream.onMessage(answered(call));
  });
  expect([...(await client.send(19, 7, new Uint8Array([1])))]).toEqual([1]);
  expect(calls).toEqual([1]);
  breaks = 1;
  expect([...(await client.send(19, 7, new Uint8Array([2])))]).toEqual([2]);
  expect(calls).toEqual([1, 2, 2]);
  client.close();
});

test('controller client: a request sent to this node itself before its election is carried out once', async () => {
  const self = nodeId(2);
  let leader: LeaderView = { id: null, epoch: 1 };
  const sent: [Call, CallerStream][] = [];
  let here = 0;
  const local = {
    get isElected(): boolean {
      return leader.id === self;
    },
    submit(): Promise<Uint8Array> {
      here++;
      return Promise.resolve(new Uint8Array([9]));
    },
  };
  const client = new StreamControllerClient({
    identity: identityOf(self),
    log: { leader: () => leader, addressOf: (id) => ({ host: `n${id}`, port: 1 }) },
    bootstrap: [{ host: 'n2', port: 1 }],
    local: local as unknown as ControllerDriver,
    peers: peersThat((call, stream) => sent.push([call, stream])),
    clock: systemClock,
    scheduler: systemScheduler,
  });
  const answer = client.send(19, 7, new Uint8Array([1]));
  await Promise.resolve();
  leader = { id: self, epoch: 2 };
  client.onControllerChange(leader);
  for (const [call, stream] of sent) stream.onMessage(answered(call));
  expect([[...(await answer)], sent.length, here]).toEqual([[1], 1, 0]);
  client.close();
});

/**
 * The client of node 2, which knows the controllers on `hosts`. Those in `foreign` belong to another cluster; node 3 is the
 * active controller.
 */
function clientAmong(
  foreign: readonly string[],
  hosts: readonly string[] = ['n1', 'n2', 'n3'],
): StreamControllerClient {
  const open = (address: { host: string }): CallerStream => {
    const node = Number(address.host.slice(1));
    const clusterId = foreign.includes(address.host) ? 'other-cluster' : 'test-cluster';
    const stream: CallerStream = {
      onMessage() {},
      onClose() {},
      onDrain() {},
      send: (message) => {
        if (message.type !== 'call') return true;
        queueMicrotask(() => {
          stream.onMessage(helloOf(identityOf(node, { clusterId })));
          if (node === 3) stream.onMessage(answered(message));
          else
            stream.onMessage({ ...answered(message), errorCode: Errors.NOT_CONTROLLER.code, leaderId: -1 });
        });
        return true;
      },
      close() {},
    };
    return stream;
  };
  return new StreamControllerClient({
    identity: identityOf(2),
    log: { leader: () => ({ id: null, epoch: 0 }), addressOf: () => null },
    bootstrap: hosts.map((host) => ({ host, port: 1 })),
    local: null,
    peers: { open, accept() {} } as unknown as PeerNetwork,
    clock: systemClock,
    scheduler: systemScheduler,
  });
}

test('controller client: one controller of another cluster is ignored', async () => {
  const client = clientAmong(['n1']);
  expect([...(await client.send(62, 4, new Uint8Array([5])))]).toEqual([5]);
  client.close();
});

test('controller client: requests fail when most controllers belong to another cluster', async () => {
  const client = clientAmong(['n1', 'n3']);
  await expect(client.send(62, 4, new Uint8Array([5]), { deadlineMs: 5_000 })).rejects.toThrow(
    'Expected cluster ID other-cluster, but got cluster ID test-cluster',
  );
  client.close();
});

test.each([[['n2', 'n1']], [['n1', 'n2']], [['n2', 'n1', 'n4']]])(
  'controller client: a controller among %j also asks the others, and fails when they are of another cluster',
  async (hosts) => {
    const client = clientAmong(['n1', 'n4'], hosts);
    await expect(client.send(62, 4, new Uint8Array([5]), { deadlineMs: 5_000 })).rejects.toThrow(
      'Expected cluster ID other-cluster, but got cluster ID test-cluster',
    );
    client.close();
  },
);
