/** Processes that know the id of the cluster and are no controllers of it, over real gRPC. */
import { afterEach, expect, test } from 'vitest';
import { createTransport, type Transport } from '../../../src/adapters/one-port.ts';
import { helloOf } from '../../../src/base/hello.ts';
import { nodeId } from '../../../src/base/ids.ts';
import type { Address, MessageStream } from '../../../src/base/network.ts';
import { type Uuid, uuidZero } from '../../../src/base/uuid.ts';
import type { StreamedMessage } from '../../../src/raft/messages.ts';
import { raftChannel, type RaftFrame, snapshotChannel } from '../../../src/server/raft/channels.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { identityOf } from '../identity.ts';
import { eventually, TestQuorum } from './harness.ts';

let quorum: TestQuorum;
let transport: Transport;
const refusal = 'Refused a claim about the leadership of the quorum';
const strangerDirectory: Uuid = 'AAAAAAAAAAAAAAAAAAAAAw';

afterEach(async () => {
  await transport.close();
  await quorum.close();
});

/** A stream on which a process with this node id has said its hello, which was accepted. */
async function greet(address: Address, id: number): Promise<MessageStream<RaftFrame, RaftFrame>> {
  const stream = transport.peers.open(address, raftChannel);
  let isGreeted = false;
  stream.onMessage = ({ type }) => {
    isGreeted ||= type === 'hello';
  };
  stream.onClose = () => {};
  const identity = identityOf(id, { clusterId: quorum.clusterId, directoryId: strangerDirectory });
  stream.send(helloOf(identity));
  await eventually('the hello is accepted', () => isGreeted);
  return stream;
}

/** Claims of the leadership in `epoch`, in every form that a stream of the channel `raft` carries. */
function claims(epoch: number): StreamedMessage[] {
  const offsets = { match: 0, highWatermark: 0, round: 0 };
  const log = { logEndOffset: 1_000_000, lastEpoch: epoch };
  return [
    { type: 'append', epoch, baseOffset: 0, previousEpoch: 0, highWatermark: 0, entries: [] },
    { type: 'heartbeat', epoch, directoryId: uuidZero, reply: true, ...offsets },
    { type: 'vote', epoch, preVote: false, transfer: true, nonce: 1, ...log },
    { type: 'alive', epoch, round: 0 },
    { type: 'timeoutNow', epoch },
    { type: 'resign', epoch, successors: [] },
  ];
}

function refusedOf(id: number): number {
  const isOf = (line: string): boolean => line.startsWith(refusal) && line.includes(`"node":${id},`);
  return quorum.logged.filter(isOf).length;
}

test.each([1, 3])('of %i voters none ends or follows a stranger that claims to lead', async (count) => {
  // Longer than the test: a leader steps down for a learner, and a voter believes strangers, only after two of these.
  quorum = await TestQuorum.create(count, { fetchTimeoutMs: 60_000 }, true);
  transport = createTransport({ logger: silentLogger });
  await quorum.startAll();
  const leader = await quorum.activated();
  const { epoch } = leader.log.leader();
  await quorum.propose('before');
  // The node ids of two strangers: one that no controller has, and that of a controller with another directory.
  for (const id of [77, 2])
    for (const { id: to, endpoints } of quorum.voters) {
      if (to === id) continue;
      const stream = await greet(endpoints[0] as Address, id);
      const before = refusedOf(id);
      for (const one of [epoch, epoch + 1, 2 ** 31 - 1]) for (const claim of claims(one)) stream.send(claim);
      await eventually('a claim is refused', () => refusedOf(id) > before);
      stream.close();
    }
  await quorum.propose('after');
  expect(quorum.fatal).toEqual([]);
  expect(leader.log.leader()).toEqual({ id: leader.id, epoch });
  const lines = quorum.logged.filter((line) => line.startsWith(refusal));
  expect(lines.some((line) => line.includes(`in which node ${leader.id} leads`))).toBe(true);
  expect(lines.some((line) => line.includes('which is no voter, names the later epoch'))).toBe(true);
});

test('a snapshot of a node that does not lead is refused before its bytes arrive', async () => {
  quorum = await TestQuorum.create(1, {}, true);
  transport = createTransport({ logger: silentLogger });
  await quorum.startAll();
  const stream = transport.peers.open(quorum.voters[0]?.endpoints[0] as Address, snapshotChannel);
  let isClosed = false;
  stream.onMessage = () => {};
  stream.onClose = () => {
    isClosed = true;
  };
  stream.send(helloOf(identityOf(77, { clusterId: quorum.clusterId, directoryId: strangerDirectory })));
  const voters = [{ id: nodeId(77), directoryId: strangerDirectory, endpoints: [] }];
  const sizeBytes = 500_000_000;
  stream.send({ type: 'begin', epoch: 9, snapshotEpoch: 9, endOffset: 100, voters, sizeBytes });
  await eventually('the stream is closed', () => isClosed);
  expect(
    quorum.logged.some((line) => line.includes('a snapshot of a node that this one does not follow')),
  ).toBe(true);
});
