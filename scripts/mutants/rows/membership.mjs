/** Bugs of voter sets: when a change may begin, from when on it counts, which voters count, what a snapshot contains of it. */
const election = 'src/raft/role/election.ts';
const leader = 'src/raft/role/leader.ts';
const membership = 'src/raft/role/membership.ts';
const voters = 'src/raft/voters.ts';
const raft = { world: 'raft' };

export const membershipRows = [
  {
    number: 14,
    bug: 'after an installed snapshot the voter set of the discarded log is in force',
    reference: 'scylla #9551',
    change: 'installing a snapshot leaves the history of voter sets as it was',
    edits: [
      {
        file: 'src/raft/role/follower.ts',
        from: 'state.voters.reset(votersInForce(voters, state.configuredVoters), endOffset);',
        to: 'void votersInForce, voters;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 15,
    bug: 'a snapshot stores a voter set that is not committed yet',
    reference: 'canonical/raft #250, #323',
    change: 'a snapshot has the latest voter set, not the one at its end offset',
    edits: [
      {
        file: voters,
        from: 'if (step.offset < endOffset) voters = step.voters;',
        to: 'voters = step.voters;\n    void endOffset;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 16,
    bug: 'truncating the last voter set loses the one before it',
    reference: 'scylla PR 31257',
    change: 'a truncation removes two voter sets',
    edits: [
      {
        file: voters,
        from: 'while (this.#steps.length > 1 && this.currentOffset >= endOffset) this.#steps.pop();',
        to: 'const before = this.#steps.length;\n    while (this.#steps.length > 1 && this.currentOffset >= endOffset) this.#steps.pop();\n    if (this.#steps.length > 1 && this.#steps.length < before) this.#steps.pop();',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 17,
    bug: 'the voter set is read from the log alone, and lost with a compaction',
    reference: 'async-raft 447dc11, dba2403',
    change: 'the voter set is not read from the snapshot at a restart',
    edits: [
      {
        file: 'src/raft/state.ts',
        from: 'if (snapshot !== null) {',
        to: 'if (snapshot !== null && snapshot.endOffset < 0) {',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 18,
    bug: 'a leader changes voters before an entry of its own epoch is committed',
    reference: 'Ongaro, raft-dev 2015: the bug in single-server changes',
    change: 'the check is removed',
    edits: [
      {
        file: membership,
        from: 'if (state.highWatermark <= leader.startOffset) {',
        to: 'if (leader.startOffset < 0) {',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 19,
    bug: 'a voter set is in force from its commit on, not from its append',
    reference: 'etcd #12359',
    change: 'sets above the high watermark do not count',
    edits: [
      {
        file: voters,
        from: '  get current(): readonly Voter[] {\n    return (this.#steps.at(-1) as Step).voters;',
        to: '  committedEnd = 0;\n\n  get current(): readonly Voter[] {\n    return this.before(Math.max(this.committedEnd, at(this.#steps, 0).offset + 1));',
      },
      {
        file: 'src/raft/state.ts',
        from: 'if (to > this.highWatermark) this.highWatermark = to;',
        to: 'if (to > this.highWatermark) this.highWatermark = to;\n    this.voters.committedEnd = this.highWatermark;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 20,
    bug: 'a promoted learner refuses to vote until it has the entry of its promotion',
    reference: 'etcd #7625',
    change: 'only a replica that is in its own voter set grants a vote',
    edits: [
      {
        file: election,
        from: 'export function handleVoteRequest(state: RaftState, from: ReplicaKey, request: VoteRequest): void {',
        to: 'export function handleVoteRequest(state: RaftState, from: ReplicaKey, request: VoteRequest): void {\n  if (!state.amVoter) return;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 21,
    bug: 'a removed server disturbs the quorum',
    reference: 'hashicorp/raft #524, #526',
    change: 'a non-voter starts elections without a pre-vote, and a voter with a live leader grants votes',
    edits: [
      {
        file: election,
        from: 'if (!believed || (!request.transfer && hasLiveLeader(state))) return;',
        to: '',
      },
      {
        file: election,
        from: '    lookForLeader(state, attempts);',
        to: '    void lookForLeader;\n    becomeCandidate(state, false, 0);',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 23,
    bug: 'the commit does not follow the voter set',
    reference: 'openraft 6c0ccaf3, beb0302b',
    nearest: 'There is no joint consensus: a change is of one voter.',
    change: 'learners count towards the majority',
    edits: [
      {
        file: leader,
        from: '  const endOffset = majorityValue(matches);',
        to: '  for (const one of leader.progress.values())\n    if (!state.voters.current.some((voter) => voter.id === one.id)) matches.push(one.match);\n  const endOffset = majorityValue(matches);',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 25,
    bug: 'the high watermark counts a leader that is no voter',
    reference: 'KAFKA-16530',
    change: 'a leader that removes itself still counts its own log',
    edits: [
      {
        file: leader,
        from: '  const endOffset = majorityValue(matches);',
        to: '  if (!state.amVoter) matches.push(state.log.stableEndOffset);\n  const endOffset = majorityValue(matches);',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 26,
    bug: 'the check of the quorum counts a leader that is no voter',
    reference: 'KAFKA-16531',
    change: 'a leader that removes itself counts itself among the voters that answer',
    edits: [
      {
        file: leader,
        from: '  const silentMs = state.nowMs - majorityValue(heardMs);',
        to: '  if (!state.amVoter) heardMs.push(state.nowMs);\n  const silentMs = state.nowMs - majorityValue(heardMs);',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 51,
    bug: 'an observer takes a role from the voter set in a snapshot',
    reference: 'dragonboat #94',
    change: 'a replica is a voter when the voter set has its node id, with any directory id',
    edits: [
      {
        file: 'src/raft/state.ts',
        from: 'return voterOf(this.voters.current, this.options.me) !== null;',
        to: 'void voterOf;\n    return this.voters.current.some((voter) => voter.id === this.options.me.id);',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 54,
    bug: 'a member comes back with an empty disk under its old name',
    reference: 'RethinkDB #5289, TiKV #9579',
    change: 'voters are compared by node id only',
    edits: [
      {
        file: 'src/raft/types.ts',
        from: 'return voter.id === key.id && (voter.directoryId === uuidZero || voter.directoryId === key.directoryId);',
        to: 'void uuidZero;\n  return voter.id === key.id;',
      },
      {
        file: 'src/raft/progress.ts',
        from: 'return directoryId === null || voter.directoryId === uuidZero || voter.directoryId === directoryId;',
        to: 'void uuidZero, directoryId, voter;\n  return true;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 59,
    bug: 'two changes of the voter set are in progress at once',
    reference: 'NATS #7545, redisraft #28, #44, #52',
    change: 'a change does not wait for the commit of the one before',
    edits: [
      {
        file: membership,
        from: 'if (state.voters.currentOffset >= state.highWatermark) {',
        to: 'if (state.highWatermark < 0) {',
      },
    ],
    caughtBy: raft,
  },
];
