import { afterEach, expect, test } from 'vitest';
import { nodeId } from '../../../src/base/ids.ts';
import { uuidZero } from '../../../src/base/uuid.ts';
import { type MetadataLog, NotLeaderError, VoterChangeError } from '../../../src/raft/api.ts';
import type { VoterChange } from '../../../src/raft/state.ts';
import { bytes, eventually, type TestNode, TestQuorum } from './harness.ts';

let quorum: TestQuorum;

afterEach(async () => {
  await quorum.close();
});

function voterIds(log: MetadataLog): number[] {
  return log.status().voters.map(({ id }) => id);
}

/**
 * Changes the voters as kafka-metadata-quorum does: tries again while the learner has not caught up or the previous change is
 * not committed.
 */
async function change(node: TestNode, wanted: VoterChange): Promise<void> {
  for (;;) {
    try {
      await node.log.changeVoters(wanted);
      return;
    } catch (error) {
      const isEarly =
        error instanceof VoterChangeError &&
        ['notCaughtUp', 'changePending', 'notReady'].includes(error.reason);
      if (!isEarly) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

async function add(leader: TestNode, id: number): Promise<void> {
  await change(leader, { kind: 'add', voter: quorum.member(id) });
}

test('a quorum of one grows to three, loses its first member, and shrinks', async () => {
  quorum = await TestQuorum.create(3, {}, true, 1);
  const first = await quorum.start(1);
  await quorum.activated();
  await quorum.propose('alone');
  const [second, third] = await Promise.all([quorum.start(2), quorum.start(3)]);
  await eventually('both are fed', () => first.log.status().observers.length === 2);
  expect(second.log.status().role).toBe('observer');
  await eventually('both have all', () =>
    [second, third].every((node) => node.recorder.payloads().at(-1) === 'alone'),
  );
  await add(first, 2);
  await add(first, 3);
  expect(voterIds(first.log)).toEqual([1, 2, 3]);
  expect(first.log.status().observers).toEqual([]);
  await expect(first.log.changeVoters({ kind: 'add', voter: quorum.member(3) })).rejects.toMatchObject({
    reason: 'duplicateVoter',
  });
  await expect(second.log.changeVoters({ kind: 'remove', voter: quorum.member(1) })).rejects.toThrow(
    NotLeaderError,
  );

  // The removed leader goes on as an observer, and the others elect a new leader.
  await first.log.changeVoters({ kind: 'remove', voter: quorum.member(1) });
  await eventually('another leads', () => quorum.active() !== undefined && quorum.active() !== first);
  const next = await quorum.activated();
  await quorum.propose('without 1');
  await eventually('1 is fed by the next', () => first.recorder.payloads().at(-1) === 'without 1');
  expect(first.log.status().role).toBe('observer');
  expect(voterIds(first.log)).toEqual([2, 3]);

  const other = next.id === 2 ? 3 : 2;
  await next.log.changeVoters({ kind: 'remove', voter: quorum.member(other) });
  await quorum.stop(other);
  await quorum.propose('alone again');
  await expect(
    next.log.changeVoters({ kind: 'remove', voter: quorum.member(next.id) }),
  ).rejects.toMatchObject({
    reason: 'lastVoter',
  });
});

test('a new node finds the quorum by one bootstrap server that is a follower', async () => {
  quorum = await TestQuorum.create(3, {}, true, 2);
  await Promise.all([quorum.start(1), quorum.start(2)]);
  const leader = await quorum.activated();
  const follower = leader.id === 1 ? 2 : 1;
  // The only bootstrap server is a follower, so the new node must learn from it who the leader is.
  quorum.bootstrap = quorum.member(follower).endpoints.slice();
  const joining = await quorum.start(3);
  await quorum.propose('news');
  await eventually('it is fed', () => joining.recorder.payloads().at(-1) === 'news');
  await eventually('the leader names it', () => leader.log.status().observers.some(({ id }) => id === 3));
});

test('a node with a wiped disk observes, and can be added again as a new voter', async () => {
  quorum = await TestQuorum.create(3, {}, true);
  await quorum.startAll();
  let leader = await quorum.activated();
  await quorum.propose('before');
  const victim = leader.id === 3 ? 2 : 3;
  const old = quorum.member(victim);
  await quorum.stop(victim);
  await quorum.wipe(victim);
  const back = await quorum.start(victim);
  leader = await quorum.activated();
  await eventually('it is fed', () => back.recorder.payloads().at(-1) === 'before');
  expect(back.log.status().role).toBe('observer');
  const status = leader.log.status();
  expect(status.observers).toMatchObject([{ id: victim, directoryId: quorum.member(victim).directoryId }]);
  expect(status.voters.find(({ id }) => id === victim)).toMatchObject({
    directoryId: old.directoryId,
    logEndOffset: -1,
  });
  await change(leader, { kind: 'remove', voter: old });
  await change(leader, { kind: 'add', voter: quorum.member(victim) });
  expect(leader.log.status().observers).toEqual([]);
  await eventually('it votes', () => back.log.status().role === 'follower');
});

test('static voters become dynamic, and stay so after a restart', async () => {
  quorum = await TestQuorum.create(3);
  await quorum.startAll();
  const leader = await quorum.activated();
  const member = quorum.member(leader.id === 3 ? 2 : 3);
  await expect(leader.log.changeVoters({ kind: 'remove', voter: member })).rejects.toMatchObject({
    reason: 'staticVoters',
  });
  await change(leader, { kind: 'upgrade' });
  const directories = leader.log.status().voters.map(({ directoryId }) => directoryId);
  expect(directories).toEqual([1, 2, 3].map((id) => quorum.directories.get(id)));
  expect(directories).not.toContain(uuidZero);
  await change(leader, { kind: 'remove', voter: member });
  expect(leader.log.status().voters).toHaveLength(2);
  // The configuration still names the node as a voter, but the voter set in the log counts. This must hold after a restart too.
  await quorum.stop(member.id);
  const again = await quorum.start(member.id);
  await eventually('it observes', () => again.log.status().role === 'observer');
});

test('a read barrier returns an offset above all entries committed before it', async () => {
  quorum = await TestQuorum.create(3);
  await quorum.startAll();
  const leader = await quorum.activated();
  const offset = await quorum.propose('x');
  const [one, two] = await Promise.all([leader.log.readBarrier(), leader.log.readBarrier()]);
  expect(one).toBeGreaterThan(offset);
  expect(two).toBe(one);
  const follower = [...quorum.nodes.values()].find((node) => node !== leader) as TestNode;
  await expect(follower.log.readBarrier()).rejects.toThrow(NotLeaderError);
});

test('endpoints of a voter can be changed while it runs', async () => {
  quorum = await TestQuorum.create(1, {}, true);
  const node = await quorum.start(1);
  await quorum.activated();
  const endpoints = [{ name: 'CONTROLLER', host: 'elsewhere.example', port: 1 }];
  await change(node, { kind: 'update', voter: { ...quorum.member(1), endpoints } });
  expect(node.log.addressOf(nodeId(1))).toMatchObject({ host: 'elsewhere.example', port: 1 });
  await node.log.propose(bytes('still here'), node.recorder.activeEpoch as number);
});
