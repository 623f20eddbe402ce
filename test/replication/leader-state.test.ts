import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { LeaderState, type LeaderStateOptions } from '../../src/replication/leader/leader-state.ts';

/** Broker ids. */
const [b1, b2, b3, b9] = [nodeId(1), nodeId(2), nodeId(3), nodeId(9)];

const lagTimeMaxMs = 1000;

function leader(options: Partial<LeaderStateOptions> = {}): LeaderState {
  return new LeaderState({
    localId: b1,
    leaderEpoch: 5,
    partitionEpoch: 10,
    replicas: [b1, b2, b3],
    isr: [b1, b2, b3],
    logEndOffset: 100,
    highWatermark: 90,
    minInsyncReplicas: 2,
    lagTimeMaxMs,
    isEligible: () => true,
    nowMs: 0,
    ...options,
  });
}

describe('high watermark', () => {
  test('waits until every member of the ISR has subscribed in this epoch', () => {
    const state = leader();
    expect(state.advanceHighWatermark(0)).toBe(false);
    state.subscribed(b2, 1, 100, 0, 0);
    expect(state.advanceHighWatermark(0)).toBe(false);
    state.subscribed(b3, 1, 95, 0, 0);
    expect(state.advanceHighWatermark(0)).toBe(true);
    expect(state.highWatermark).toBe(95);
  });

  test('waits for a member that is only proposed', () => {
    const state = leader({ isr: [b1, b2] });
    state.subscribed(b2, 1, 100, 0, 0);
    state.subscribed(b3, 1, 100, 0, 0);
    state.advanceHighWatermark(0);
    expect(state.proposeExpansion()?.isr).toEqual([1, 2, 3]);
    state.appended(110, 1);
    state.acknowledged(b2, 110, 0, 1);
    state.detached(b3, 1);
    state.advanceHighWatermark(lagTimeMaxMs * 5);
    expect(state.highWatermark).toBe(100);
  });

  test('waits for a member that is proposed for removal', () => {
    const state = leader();
    state.subscribed(b2, 1, 100, 0, 0);
    state.subscribed(b3, 1, 100, 0, 0);
    state.advanceHighWatermark(0);
    state.appended(110, 1);
    state.acknowledged(b2, 110, 0, 2);
    const proposal = state.proposeShrink(lagTimeMaxMs + 10);
    expect(proposal?.isr).toEqual([1, 2]);
    expect(state.advanceHighWatermark(lagTimeMaxMs + 10)).toBe(false);
    state.isr.commit([b1, b2], 11);
    expect(state.advanceHighWatermark(lagTimeMaxMs + 10)).toBe(true);
    expect(state.highWatermark).toBe(110);
  });

  test('does not move while the ISR is below min.insync.replicas', () => {
    const state = leader({ isr: [b1] });
    expect(state.hasEnoughInSync).toBe(false);
    expect(state.advanceHighWatermark(0)).toBe(false);
  });

  test('moves with a single replica, even when min.insync.replicas is larger', () => {
    const state = leader({ replicas: [b1], isr: [b1] });
    expect(state.advanceHighWatermark(0)).toBe(true);
    expect(state.highWatermark).toBe(100);
  });

  test('waits for a follower that is close to joining the ISR, not for one whose stream broke', () => {
    const state = leader({ isr: [b1, b2], highWatermark: 100 });
    state.subscribed(b2, 1, 100, 0, 0);
    state.subscribed(b3, 1, 100, 0, 0);
    state.appended(105, 1);
    state.acknowledged(b2, 105, 0, 2);
    expect(state.advanceHighWatermark(2)).toBe(false);
    state.detached(b3, 3);
    expect(state.advanceHighWatermark(3)).toBe(true);
  });
});

describe('shrink', () => {
  test('does not happen in a partition without appends', () => {
    const state = leader();
    state.subscribed(b2, 1, 100, 0, 0);
    state.subscribed(b3, 1, 100, 0, 0);
    expect(state.proposeShrink(lagTimeMaxMs * 100)).toBeNull();
    // After a long time without appends, the first append does not make the followers count as lagging at once.
    state.appended(101, lagTimeMaxMs * 100);
    expect(state.proposeShrink(lagTimeMaxMs * 100 + 1)).toBeNull();
    expect(state.proposeShrink(lagTimeMaxMs * 101 + 1)?.isr).toEqual([1]);
  });

  test('removes a member that does not subscribe within replica.lag.time.max.ms', () => {
    const state = leader();
    state.subscribed(b2, 1, 100, 0, 0);
    expect(state.proposeShrink(lagTimeMaxMs)).toBeNull();
    expect(state.proposeShrink(lagTimeMaxMs + 1)?.removed).toEqual([3]);
  });

  test('does not remove a follower that is always a little behind', () => {
    const state = leader({ isr: [b1, b2], replicas: [b1, b2] });
    state.subscribed(b2, 1, 100, 0, 0);
    for (let ms = 100; ms < 10_000; ms += 100) {
      state.appended(state.logEndOffset + 10, ms);
      state.acknowledged(b2, state.logEndOffset - 10, 0, ms + 50);
      expect(state.proposeShrink(ms + 60)).toBeNull();
    }
  });
});

describe('expansion', () => {
  const behind = { isr: [b1, b2], highWatermark: 90 } as const;

  test('needs the high watermark and the start of the epoch', () => {
    const state = leader(behind);
    state.subscribed(b3, 1, 89, 0, 0);
    expect(state.proposeExpansion()).toBeNull();
    state.acknowledged(b3, 99, 0, 1);
    expect(state.proposeExpansion()).toBeNull();
    state.acknowledged(b3, 100, 0, 1);
    expect(state.proposeExpansion()?.added).toEqual([3]);
  });

  test('needs the high watermark that has moved in this epoch', () => {
    const state = leader(behind);
    state.appended(120, 1);
    state.subscribed(b2, 1, 120, 0, 1);
    expect(state.advanceHighWatermark(1)).toBe(true);
    state.subscribed(b3, 1, 110, 0, 1);
    expect(state.proposeExpansion()).toBeNull();
    state.acknowledged(b3, 120, 0, 1);
    expect(state.proposeExpansion()?.added).toEqual([3]);
  });

  test('needs an eligible broker with a live stream', () => {
    const fenced = leader({ ...behind, isEligible: (_id, epoch) => epoch === 2 });
    fenced.subscribed(b3, 1, 100, 0, 0);
    expect(fenced.proposeExpansion()).toBeNull();
    fenced.subscribed(b3, 2, 100, 0, 0);
    fenced.detached(b3, 1);
    expect(fenced.proposeExpansion()).toBeNull();
  });

  test('ignores an older incarnation of a broker', () => {
    const state = leader(behind);
    expect(state.subscribed(b3, 7, 0, 0, 0)).toBe(true);
    expect(state.subscribed(b3, 6, 100, 0, 0)).toBe(false);
    expect(state.subscribed(b9, 6, 100, 0, 0)).toBe(false);
    expect(state.proposeExpansion()).toBeNull();
  });

  test('one proposal is pending at a time, and its outcome changes the ISR', () => {
    const state = leader(behind);
    state.subscribed(b3, 1, 100, 0, 0);
    const proposal = state.proposeExpansion();
    if (proposal === null) throw new Error('no proposal');
    expect(state.proposeExpansion()).toBeNull();
    expect(state.proposeShrink(lagTimeMaxMs * 10)).toBeNull();
    expect(state.isr.abandon(proposal)).toBe(true);
    expect(state.isr.maximal).toEqual([1, 2]);
    const again = state.proposeExpansion();
    expect(state.isr.commit([b1, b2, b3], 9)).toBe(false);
    expect(state.isr.pending).toBe(again);
    expect(state.isr.commit([b1, b2, b3], 11)).toBe(true);
    expect(state.isr.pending).toBeNull();
    expect(state.isr.committed).toEqual([1, 2, 3]);
  });
});

test('the high watermark never decreases and never exceeds a member of the maximal ISR', () => {
  const id = fc.constantFrom(b2, b3);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), id, by: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('subscribe' as const), id, by: fc.nat(30) }),
    fc.record({ kind: fc.constant('ack' as const), id, by: fc.nat(9) }),
    fc.record({ kind: fc.constant('detach' as const), id, by: fc.constant(0) }),
    fc.record({ kind: fc.constant('tick' as const), id, by: fc.nat(900) }),
    fc.record({ kind: fc.constantFrom('commit' as const, 'refuse' as const), id, by: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const state = leader({ logEndOffset: 50, highWatermark: 40 });
      let nowMs = 0;
      for (const { kind, id: broker, by } of steps) {
        const before = state.highWatermark;
        const end = state.followers.get(broker)?.logEndOffset ?? -1;
        if (kind === 'append') state.appended(state.logEndOffset + by, nowMs);
        // A follower may subscribe again with fewer records than it had before.
        else if (kind === 'subscribe')
          state.subscribed(broker, nowMs, Math.min(by + 30, state.logEndOffset), 0, nowMs);
        else if (kind === 'ack' && end >= 0)
          state.acknowledged(broker, Math.min(end + by, state.logEndOffset), 0, nowMs);
        else if (kind === 'detach') state.detached(broker, nowMs);
        else if (kind === 'tick') {
          nowMs += by;
          state.proposeShrink(nowMs);
          state.proposeExpansion();
        } else if (state.isr.pending !== null) {
          if (kind === 'commit') state.isr.commit(state.isr.pending.isr, state.isr.partitionEpoch + 1);
          else state.isr.abandon(state.isr.pending);
        }
        const moved = state.advanceHighWatermark(nowMs);
        expect(state.highWatermark).toBeGreaterThanOrEqual(before);
        expect(state.highWatermark).toBeLessThanOrEqual(state.logEndOffset);
        expect(state.isr.maximal).toContain(1);
        if (!moved) continue;
        expect(state.isr.committed.length).toBeGreaterThanOrEqual(2);
        for (const member of state.isr.maximal)
          if (member !== 1)
            expect(state.followers.get(member)?.logEndOffset).toBeGreaterThanOrEqual(state.highWatermark);
      }
    }),
  );
});
