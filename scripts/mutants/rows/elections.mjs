/** Bugs of elections: which candidate may get a vote, what must be durable before, when a candidate gives up. */
const election = 'src/raft/role/election.ts';
const leader = 'src/raft/role/leader.ts';
const transitions = 'src/raft/role/transitions.ts';
const raft = { world: 'raft' };

export const electionRows = [
  {
    number: 4,
    bug: 'epoch and vote are never stored',
    reference: 'nodedb #161, liferaft',
    change: 'the stored hard state has no vote, and the epoch of the log in place of its own',
    edits: [
      {
        file: 'src/raft/state.ts',
        from: 'return { epoch: this.epoch, votedFor: this.votedFor, highWatermark: this.highWatermark };',
        to: 'return { epoch: this.log.lastEpoch, votedFor: null, highWatermark: this.highWatermark };',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 5,
    bug: 'votes again in an epoch, for a candidate with a better log',
    reference: 'camunda/zeebe #5356, #1068',
    change: 'an earlier vote of the epoch does not prevent another one',
    edits: [
      {
        file: election,
        from: 'if (state.votedFor !== null) return sameReplica(state.votedFor, candidate);',
        to: '',
      },
      { file: election, from: 'if (granted && state.votedFor === null) {', to: 'if (granted) {' },
    ],
    caughtBy: raft,
  },
  {
    number: 6,
    bug: 'compares logs by length only',
    reference: 'async-raft a48a3282, liferaft, skiff',
    change: 'the last epoch is not compared',
    edits: [{ file: election, from: 'if (request.lastEpoch !== state.log.lastEpoch)', to: 'if (false)' }],
    caughtBy: raft,
  },
  {
    number: 7,
    bug: 'a vote is decided by a log end that is out of date',
    reference: 'braft, jraft #882',
    change: 'the candidate is compared with the durable log, while an append is being written',
    edits: [
      {
        file: election,
        from: 'return request.logEndOffset >= state.log.endOffset;',
        to: 'return request.logEndOffset >= state.log.stableEndOffset;',
      },
    ],
    // Seeds find this bug too, but more than two thousand are needed: it takes two hints at the right moment and a slow disk.
    caughtBy: { test: 'test/raft/vote-during-write.test.ts' },
  },
  {
    number: 27,
    bug: 'a single voter keeps resigning',
    reference: 'KAFKA-16144, KAFKA-16163',
    change: 'the check of the quorum does not count the leader itself',
    edits: [{ file: leader, from: 'if (isVoter(voter, state.options.me)) return state.nowMs;', to: '' }],
    caughtBy: raft,
  },
  {
    number: 28,
    bug: 'an isolated leader never resigns',
    reference: 'KAFKA-15489, RATIS-981',
    change: 'a leader does not check whether a majority answers',
    edits: [
      {
        file: leader,
        from: 'if (silentMs <= state.options.fetchTimeoutMs * 1.5) return;',
        to: 'if (silentMs >= 0) return;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 35,
    bug: 'a follower that refuses an append starts an election against a live leader',
    reference: 'redpanda #30817, #31547',
    change: 'only an accepted append extends the election deadline',
    edits: [
      {
        file: 'src/raft/role/follower.ts',
        from: '  heardLeader(state);\n  let { baseOffset',
        to: '  let { baseOffset',
      },
      {
        file: 'src/raft/role/follower.ts',
        from: 'accept(state, from, request, requestEnd);\n}',
        to: 'heardLeader(state);\n  accept(state, from, request, requestEnd);\n}',
      },
      {
        file: 'src/raft/role/follower.ts',
        from: "  heardLeader(state);\n  // The leader's value",
        to: "  // The leader's value",
      },
    ],
    caughtBy: raft,
  },
  {
    number: 62,
    bug: 'a leader that resigned follows itself',
    reference: 'KAFKA-18379',
    change: 'a leader that resigns becomes its own follower',
    edits: [
      {
        file: 'src/raft/role/transfer.ts',
        from: 'successors });\n  becomeUnattached(state, state.epoch, 0);',
        to: "successors });\n  becomeUnattached(state, state.epoch, 0);\n  const leaderId = state.options.me.id;\n  const deadlineMs = state.nowMs + state.options.fetchTimeoutMs;\n  state.role = { name: 'follower', leaderId, contactMs: state.nowMs, linkDown: false, deadlineMs };",
      },
    ],
    caughtBy: raft,
  },
  {
    number: 67,
    bug: 'a request for a vote that is repeated, because the answer was lost, is refused',
    reference: 'nebula #2419',
    change: 'a voter refuses a repeated request of the candidate for which it has voted',
    edits: [
      {
        file: election,
        from: 'if (state.votedFor !== null) return sameReplica(state.votedFor, candidate);',
        to: 'if (state.votedFor !== null) return false;',
      },
    ],
    caughtBy: { test: 'test/raft/paper.test.ts', name: 'votes for the first candidate of an epoch only' },
  },
  {
    number: 68,
    bug: 'votes are requested before epoch, vote and log are durable',
    reference: 'etcd-io/raft, asynchronous storage (our reading)',
    change: 'a candidate asks at once',
    edits: [
      {
        file: election,
        from: 'for (const peer of state.peers()) state.sendDurably(peer, request);',
        to: 'for (const peer of state.peers()) state.send(peer, request);',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 69,
    bug: 'a repeated vote counts twice',
    reference: 'liferaft',
    change: 'vote responses are counted, not voters',
    edits: [
      {
        file: election,
        from: 'role.granted.add(from.id);\n    role.rejected.delete(from.id);',
        to: 'role.granted.add(role.granted.has(from.id) ? ((1000 + role.granted.size) as NodeId) : from.id);\n    role.rejected.delete(from.id);',
      },
      {
        file: election,
        from: 'const granted = voters.filter((voter) => role.granted.has(voter.id)).length;',
        to: 'const granted = Math.min(voters.length, role.granted.size);',
      },
      {
        file: election,
        from: 'const rejected = voters.filter((voter) => role.rejected.has(voter.id)).length;',
        to: 'const rejected = Math.min(voters.length - granted, role.rejected.size);',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 3,
    bug: 'epoch and vote are stored in two writes, and a repeated request is granted before logs are compared',
    reference: 'hashicorp/raft #661',
    change:
      'the vote of an earlier epoch is kept in a later one, and a repeated request is not compared with the vote',
    edits: [
      { file: transitions, from: '    state.votedFor = null;\n', to: '' },
      {
        file: election,
        from: 'mayVoteFor(state, from) && isUpToDate(state, request);',
        to: 'mayVoteFor(state, from) && (state.votedFor !== null || isUpToDate(state, request));',
      },
    ],
    caughtBy: raft,
  },
];
