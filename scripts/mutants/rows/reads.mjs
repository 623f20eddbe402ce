/** Bugs of linearizable reads and of handing over. */
const reads = 'src/raft/role/reads.ts';
const raft = { world: 'raft' };

export const readRows = [
  {
    number: 24,
    bug: 'a read is confirmed by one less than a majority',
    reference: 'openraft d60f1e85',
    change: 'the median of the sorted rounds is read one position too early',
    edits: [
      {
        file: reads,
        from: 'const confirmed = majorityValue(rounds);',
        to: 'majorityValue(rounds);\n  const confirmed = rounds[Math.max(0, Math.floor(rounds.length / 2) - 1)] ?? 0;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 37,
    bug: 'a new leader reads before an entry of its own epoch is committed',
    reference: 'etcd #7331, TiKV #6340, #9239, redisraft #22',
    change: "a read does not wait for an entry of the leader's epoch",
    edits: [
      {
        file: reads,
        from: 'if (state.highWatermark <= leader.startOffset) {',
        to: 'if (leader.startOffset < 0) {',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 38,
    bug: 'an old or repeated heartbeat response confirms a read',
    reference: 'etcd #20418, etcd-io/raft #397, antfly #599',
    change: 'a response counts for the current round, whatever round it answers',
    edits: [
      {
        file: 'src/raft/role/leader.ts',
        from: 'progress.round = Math.max(progress.round, round);',
        to: 'progress.round = Math.max(round, leaderOf(state).round);',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 39,
    bug: 'the promise behind a lease is forgotten by a restart',
    reference: 'cockroachdb #124421, #124497',
    nearest: 'There are no leases.',
    change: 'answers of a majority within the fetch timeout confirm a read',
    edits: [
      {
        file: reads,
        from: 'return progress !== undefined && countsFor(progress, voter) ? progress.round : 0;',
        to: 'if (progress === undefined || !countsFor(progress, voter)) return 0;\n    return state.nowMs - progress.contactMs < state.options.fetchTimeoutMs ? leader.round : progress.round;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 40,
    bug: 'a lease without a margin for clocks that run differently',
    reference: 'etcd documentation',
    nearest: 'There are no leases.',
    change: 'a leader that has not resigned confirms reads by itself, by its own clock',
    edits: [
      {
        file: reads,
        from: 'const confirmed = majorityValue(rounds);',
        to: 'majorityValue(rounds);\n  const confirmed = leader.round;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 63,
    bug: 'after a transfer the voters refuse the new candidate for the sake of the old leader',
    reference: 'KAFKA-20895',
    change: 'a candidate that the leader has chosen is refused by voters with a live leader',
    edits: [
      {
        file: 'src/raft/role/election.ts',
        from: 'if (!believed || (!request.transfer && hasLiveLeader(state))) return;',
        to: 'if (!believed || hasLiveLeader(state)) return;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 66,
    bug: 'proposals are taken while the leadership is handed over',
    reference: 'hashicorp/raft #570, #581',
    change: 'proposals are accepted during a leadership transfer',
    edits: [
      { file: 'src/raft/role/leader.ts', from: ' || role.transfer !== null || state.retired) {', to: ') {' },
    ],
    caughtBy: { test: 'test/raft/transcripts.test.ts' },
  },
];
