import { afterEach, describe, expect, test } from 'vitest';
import { nodeId } from '../../../src/base/ids.ts';
import { NotLeaderError, QuorumBusyError } from '../../../src/raft/api.ts';
import { bytes, eventually, TestQuorum, text } from './harness.ts';

let quorum: TestQuorum;

afterEach(async () => {
  await quorum.close();
});

describe('one voter', () => {
  test('leads at once, commits entries, and has them after a restart', async () => {
    quorum = await TestQuorum.create(1);
    const startedMs = performance.now();
    const node = await quorum.start(1);
    await quorum.activated();
    console.log(`single voter active after ${(performance.now() - startedMs).toFixed(0)} ms`);
    expect(node.recorder.events).toEqual(['leader null 1', 'leader 1 1', 'activated 1']);
    const offsets = await Promise.all(['a', 'b', 'c'].map((payload) => quorum.propose(payload)));
    expect(offsets).toEqual([1, 2, 3]);
    expect(node.recorder.payloads()).toEqual(['a', 'b', 'c']);
    expect(node.log.status()).toMatchObject({
      role: 'leader',
      leaderId: 1,
      epoch: 1,
      highWatermark: 4,
      logEndOffset: 4,
    });

    await quorum.stop(1);
    expect(node.recorder.events.at(-1)).toBe('deactivated 1');
    const again = await quorum.start(1);
    await quorum.activated();
    expect(again.recorder.payloads()).toEqual(['a', 'b', 'c']);
    expect(again.recorder.activeEpoch).toBe(2);
    expect(again.recorder.entries.map((entry) => entry.offset)).toEqual([0, 1, 2, 3, 4]);
  });

  test('refuses proposals of another epoch, too large ones, and too many', async () => {
    quorum = await TestQuorum.create(1, { payloadBytesMax: 100, uncommittedBytesMax: 150 });
    const node = await quorum.start(1);
    await quorum.activated();
    await expect(node.log.propose(bytes('x'), 7)).rejects.toThrow(NotLeaderError);
    await expect(node.log.propose(new Uint8Array(101), 1)).rejects.toThrow(QuorumBusyError);
    const results = await Promise.allSettled([1, 2, 3].map(() => node.log.propose(new Uint8Array(90), 1)));
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await quorum.propose('later')).toBeGreaterThan(0);
  });

  test('restarts from a snapshot and the entries after it', async () => {
    quorum = await TestQuorum.create(1, { trailingEntries: 2 });
    const node = await quorum.start(1);
    for (let i = 0; i < 10; i++) await quorum.propose(`p${i}`);
    await node.log.saveSnapshot(8, 1, bytes('state up to 8'));
    await eventually('the log is cut', () => node.log.status().logStartOffset > 0);
    await quorum.stop(1);
    const again = await quorum.start(1);
    await quorum.activated();
    expect(again.recorder.events).toContain('snapshot 8');
    expect(text(again.recorder.snapshot?.bytes ?? bytes(''))).toBe('state up to 8');
    expect(again.recorder.payloads()).toEqual(['p8', 'p9']);
    expect(await quorum.propose('next')).toBe(12);
  });
});

describe('a quorum formatted with its voters', () => {
  test('has its voters in the log, and ignores a node of another cluster', async () => {
    quorum = await TestQuorum.create(3, {}, true);
    await quorum.startAll();
    const leader = await quorum.activated();
    // Entry 0 begins the leader's epoch, entry 1 has the voters. On a busy machine another election may add an entry.
    expect(await quorum.propose('first')).toBeGreaterThanOrEqual(2);
    const { voters } = leader.log.status();
    expect(voters.map((voter) => voter.directoryId)).toEqual(
      [1, 2, 3].map((id) => quorum.directories.get(id)),
    );
    await quorum.stop(3);
    quorum.clusterId = 'AAAAAAAAAAAAAAAAAAAACg';
    const stranger = await quorum.start(3);
    await quorum.propose('second');
    await eventually('the others have refused it', () =>
      quorum.logged.some((line) => line.includes('belongs to cluster')),
    );
    expect(stranger.recorder.payloads()).not.toContain('second');
  });
});

describe('three voters', () => {
  test('elect a leader, replicate entries, and elect another one after its loss', async () => {
    quorum = await TestQuorum.create(3);
    await quorum.startAll();
    await quorum.activated();
    for (let i = 0; i < 50; i++) await quorum.propose(`p${i}`);
    const all = [...quorum.nodes.values()];
    await eventually('all have all', () => all.every((node) => node.recorder.payloads().length === 50));
    // On a busy machine another election may have followed the first.
    const first = await quorum.activated();
    await eventually('all follow one leader, which has heard them', () =>
      all.every(
        (node) =>
          node.log.leader().id === first.id &&
          first.log.status().voters.every((voter) => voter.lastFetchMs > 1e12),
      ),
    );
    const follower = all.find((node) => node !== first);
    expect(follower?.log.status()).toMatchObject({ role: 'follower', leaderId: first.id });

    // As after a kill: the node's streams break without a farewell.
    await first.transport.close();
    quorum.nodes.delete(first.id);
    const startedMs = performance.now();
    const second = await quorum.activated();
    const electedMs = performance.now() - startedMs;
    await quorum.propose('after');
    console.log(
      `new leader ${electedMs.toFixed(0)} ms after the old one's streams broke, with the default timeouts`,
    );
    expect(second.id).not.toBe(first.id);
    expect(second.recorder.payloads().at(-1)).toBe('after');
    await first.log.shutdown();
  });

  test('a leader that stops transfers its leadership', async () => {
    quorum = await TestQuorum.create(3);
    await quorum.startAll();
    const first = await quorum.activated();
    await quorum.propose('before');
    const startedMs = performance.now();
    const stopping = quorum.stop(first.id);
    await quorum.propose('after');
    console.log(
      `first proposal committed ${(performance.now() - startedMs).toFixed(0)} ms after the leader began to stop`,
    );
    await stopping;
    expect((await quorum.activated()).id).not.toBe(first.id);
    expect(first.recorder.events.at(-1)).toMatch(/^deactivated|^leader/);
    expect(first.recorder.activeEpoch).toBe(null);
  });

  test('a voter that lacks compacted entries gets a snapshot', async () => {
    quorum = await TestQuorum.create(3, { trailingEntries: 2, cacheBytesMax: 500 });
    await Promise.all([quorum.start(1), quorum.start(2)]);
    const leader = await quorum.activated();
    for (let i = 0; i < 30; i++) await quorum.propose(`p${i}`);
    const big = new Uint8Array(3_000_000).fill(7);
    await leader.log.saveSnapshot(25, leader.recorder.activeEpoch as number, big);
    await eventually('the log is cut', () => leader.log.status().logStartOffset > 0);
    const late = await quorum.start(3);
    await eventually('the late one has all', () => late.recorder.payloads().at(-1) === 'p29');
    expect(late.recorder.events.find((event) => event.startsWith('snapshot'))).toBe('snapshot 25');
    expect(Buffer.compare(late.recorder.snapshot?.bytes ?? bytes(''), big)).toBe(0);
  });
});

describe('observer', () => {
  test('gets the snapshot, then committed entries, and continues with another leader', async () => {
    quorum = await TestQuorum.create(3, { trailingEntries: 2 });
    await quorum.startAll();
    const leader = await quorum.activated();
    for (let i = 0; i < 30; i++) await quorum.propose(`p${i}`);
    await leader.log.saveSnapshot(25, leader.recorder.activeEpoch as number, new Uint8Array(1_000_000));
    const observer = await quorum.start(100, true);
    await eventually('it has all', () => observer.recorder.payloads().at(-1) === 'p29');
    await quorum.propose('live');
    await eventually('it hears news', () => observer.recorder.payloads().at(-1) === 'live');
    await eventually('it follows the leader', () => leader.log.status().observers.length === 1);
    expect(observer.log.leader().id).toBe(leader.id);
    expect(observer.log.addressOf(nodeId(2))).toMatchObject({ host: '127.0.0.1' });
    expect(observer.log.status().role).toBe('observer');
    await expect(observer.log.propose(bytes('no'), 1)).rejects.toThrow(NotLeaderError);

    await quorum.stop(leader.id);
    await quorum.propose('afterwards');
    await eventually('it hears from the next', () => observer.recorder.payloads().at(-1) === 'afterwards');
    const offsets = observer.recorder.entries.map((entry) => entry.offset);
    expect(offsets).toEqual(offsets.map((_, index) => (offsets[0] as number) + index));
  });
});
