/**
 * Checks I14: a leader that gets no messages from a majority steps down within a bounded time. The simulator measures the time
 * on the leader's own clock; pauses of the leader's process do not count.
 */
import type { RaftCore } from '../../raft/core.ts';
import { majorityValue } from '../../raft/quorum.ts';
import { isVoter } from '../../raft/types.ts';
import type { Replica } from './replica.ts';
import { require } from './watch.ts';

export class SilentLeaderCheck {
  /** Called after some of the leader's steps (`checker.ts`). */
  check(replica: Replica, core: RaftCore): void {
    const { fetchTimeoutMs, heartbeatMs, me } = core.state.options;
    const now = replica.localMs;
    const since = Math.max(replica.lastPauseMs, replica.judgedSinceMs);
    const { voters } = replica.watch;
    const heard = voters.map((voter) =>
      isVoter(voter, me) ? now : Math.max(since, replica.heardMs[voter.id] ?? 0),
    );
    if (heard.length === 0) return;
    const silentMs = now - majorityValue(heard);
    // The core allows 1.5 fetch timeouts. It checks once in a heartbeat interval and skips a late check, and a turn may delay
    // it: the rest is a margin for that.
    require(silentMs <= 1.5 * fetchTimeoutMs + 4 * heartbeatMs + 50, 'I14 deposed leader', () =>
      `n${replica.id} still leads epoch ${core.state.epoch}, a majority was silent for ${Math.floor(silentMs)} ms`);
  }
}
