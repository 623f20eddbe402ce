/** Bugs of replication and commit: what is compared, counted, acknowledged and replaced. */
const leader = 'src/raft/role/leader.ts';
const follower = 'src/raft/role/follower.ts';
const replication = 'src/raft/role/replication.ts';
const log = 'src/raft/log.ts';
const core = 'src/raft/core.ts';
const raft = { world: 'raft' };

export const logRows = [
  {
    number: 1,
    bug: 'commits by counting replicas of entries of earlier epochs (figure 8 of the paper)',
    reference: 'LogCabin #44',
    change: 'the epoch of the entry is not checked',
    edits: [{ file: leader, from: ' && state.log.epochAt(endOffset - 1) === state.epoch) {', to: ') {' }],
    caughtBy: raft,
  },
  {
    number: 2,
    bug: 'the high watermark may rise to the start of the epoch, one entry early',
    reference: 'KAFKA-12619',
    change: 'an end equal to the start of the epoch may be committed',
    edits: [
      {
        file: leader,
        from: ' && state.log.epochAt(endOffset - 1) === state.epoch) {',
        to: ' && endOffset >= leader.startOffset) {',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 8,
    bug: 'an append replaces all entries after its base offset, also equal ones',
    reference: 'openraft 9540c904, skiff',
    change: 'entries are not compared',
    edits: [
      {
        file: follower,
        from: 'const fresh = firstDifference(state, entries);',
        to: 'const fresh = 0;\n  void firstDifference;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 9,
    bug: 'a late rejection lowers what a follower has acknowledged',
    reference: 'CCF #5991, #6016',
    change: 'every rejection is applied, and lowers `match`',
    edits: [
      {
        file: leader,
        from: 'if (isStale(state, progress, response) || response.endOffset >= response.baseOffset) return;',
        to: 'void isStale;',
      },
      {
        file: 'src/raft/progress.ts',
        from: 'progress.next = Math.max(progress.match, next);',
        to: 'progress.next = next;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 10,
    bug: 'a follower acknowledges the end of its own log, not the end of the request',
    reference: 'CCF #6016',
    change: 'the acknowledgement has the log end offset',
    edits: [
      {
        file: follower,
        from: 'accept(state, from, request, requestEnd);',
        to: 'accept(state, from, request, log.endOffset);',
      },
    ],
    // A follower finds the exact offset at which its log diverges, so the first append that fits removes the old entries.
    // Therefore this bug alone does no harm.
    caughtBy: { test: 'test/raft/paper.test.ts', name: 'acknowledges up to the end of the request' },
  },
  {
    number: 11,
    bug: 'a leader that steps down removes entries that are not committed',
    reference: 'CCF #5674',
    change: 'the log is truncated to the high watermark',
    edits: [
      {
        file: log,
        from: '  beginWrite(from: number): number {',
        to: '  rollBack(endOffset: number): void {\n    if (endOffset < this.#endOffset) this.#truncate(endOffset);\n  }\n\n  beginWrite(from: number): number {',
      },
      {
        file: 'src/raft/role/transitions.ts',
        from: '  const deadlineMs = state.nowMs + retryPauseMs(state, attempts);\n  if (epoch > state.epoch) {',
        to: "  const deadlineMs = state.nowMs + retryPauseMs(state, attempts);\n  if (state.role.name === 'leader') state.log.rollBack(Math.max(state.highWatermark, state.log.startOffset));\n  if (epoch > state.epoch) {",
      },
    ],
    caughtBy: raft,
  },
  {
    number: 22,
    bug: 'commits without a majority',
    reference: 'openraft #1802',
    change: 'the median of the sorted offsets is read one position too early',
    edits: [
      {
        file: 'src/raft/quorum.ts',
        from: 'values[majority(values.length) - 1]',
        to: 'values[Math.max(0, majority(values.length) - 2)]',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 29,
    bug: 'a follower acknowledges before its disk has it',
    reference: 'KAFKA-10533',
    change: 'acknowledgements are sent before the write is durable',
    edits: [
      {
        file: follower,
        from: "  state.sendDurably(to, {\n    type: 'appended',\n    epoch: state.epoch,\n    accepted: true,\n    baseOffset: request.baseOffset,",
        to: "  state.send(to, {\n    type: 'appended',\n    epoch: state.epoch,\n    accepted: true,\n    baseOffset: request.baseOffset,",
      },
    ],
    caughtBy: raft,
  },
  {
    number: 30,
    bug: 'a leader counts its own disk before the write is done',
    reference: 'etcd #14370; the same shape in KRaft with one voter',
    change: 'the leader counts its log end',
    edits: [
      {
        file: leader,
        from: 'if (isVoter(voter, me)) return state.log.stableEndOffset;',
        to: 'if (isVoter(voter, me)) return state.log.endOffset;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 31,
    bug: 'a write that finishes after the leader stepped down commits entries',
    reference: 'redpanda #1762',
    change: 'a former leader raises its high watermark when a write is durable',
    edits: [
      {
        file: core,
        from: "if (state.role.name === 'leader') maybeCommit(state);\n      return;",
        to: "if (state.role.name === 'leader') maybeCommit(state);\n      else if (state.role.name === 'resigned' || state.role.name === 'unattached')\n        state.advanceHighWatermark(state.log.stableEndOffset);\n      return;",
      },
    ],
    caughtBy: raft,
  },
  {
    number: 33,
    bug: 'the end of a write marks entries as durable that have replaced the written ones',
    reference: 'redpanda #16105',
    change: 'only the offset of a finished write is compared',
    edits: [
      {
        file: log,
        from: 'for (const write of this.#pending) if (write.from < stable) stable = write.from;',
        to: 'const write = this.#pending[0];\n    if (write !== undefined && write.from < stable) stable = write.from;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 34,
    bug: 'a write of entries that were replaced in the meantime marks a later write as done',
    reference: 'etcd-io/raft, rawnode.go (A, B, A)',
    change: 'only the last write is compared',
    edits: [
      {
        file: log,
        from: 'for (const write of this.#pending) if (write.from < stable) stable = write.from;',
        to: 'const write = this.#pending.at(-1);\n    if (write !== undefined && this.#pending.length > 1 && write.from < stable) stable = write.from;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 44,
    bug: 'a follower that lost the end of its log accepts a high watermark beyond what it has',
    reference: 'etcd-io/raft #25, #104',
    change: "heartbeats have the leader's high watermark, whatever the follower has acknowledged",
    edits: [
      {
        file: replication,
        from: 'const highWatermark = Math.min(match, state.highWatermark);',
        to: 'const { highWatermark } = state;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 48,
    bug: 'a leader sends entries from its disk that are not the next ones of the follower',
    reference: 'openraft #1795',
    nearest: 'A read that fails ends the node.',
    change: "entries that were read are sent even when the follower's position has changed",
    edits: [
      {
        file: leader,
        from: 'if (entries === null || progress.next !== read.from) return;',
        to: 'if (entries === null) return;',
      },
      {
        file: replication,
        from: 'entries.length === 0 || entries[0]?.offset === baseOffset,',
        to: 'entries.length >= 0 && baseOffset >= 0,',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 52,
    bug: 'acknowledgements of an earlier epoch count for the majority',
    reference: 'NATS #6944',
    change: 'the response to an append of an earlier epoch is accepted',
    edits: [
      {
        file: core,
        from: 'if (message.epoch < state.epoch) {',
        to: "if (message.epoch < state.epoch && message.type === 'appended' && message.accepted && state.role.name === 'leader') {\n    handleAppendResponse(state, from, message);\n    return;\n  }\n  if (message.epoch < state.epoch) {",
      },
    ],
    caughtBy: raft,
  },
  {
    number: 53,
    bug: 'a replica that cannot catch up forgets its log, keeps its identity, and votes',
    reference: 'NATS #5939',
    change: 'a refused append truncates the log to the high watermark',
    edits: [
      {
        file: log,
        from: '  beginWrite(from: number): number {',
        to: '  rollBack(endOffset: number): void {\n    if (endOffset < this.#endOffset) this.#truncate(endOffset);\n  }\n\n  beginWrite(from: number): number {',
      },
      {
        file: follower,
        from: '    reject(state, from, request, Math.max(end.endOffset, state.highWatermark));',
        to: '    log.rollBack(Math.max(state.highWatermark, log.startOffset));\n    reject(state, from, request, Math.min(log.endOffset, Math.max(end.endOffset, state.highWatermark)));',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 64,
    bug: 'followers learn of commits only with the next entries',
    reference: 'KAFKA-13959, KAFKA-14145',
    change: 'heartbeats have no high watermark, and none is sent when it rises',
    edits: [
      {
        file: replication,
        from: "if (progress.state !== 'replicate' || progress.sentHighWatermark >= highWatermark) continue;",
        to: 'if (highWatermark >= 0) continue;',
      },
      {
        file: replication,
        from: 'const highWatermark = Math.min(match, state.highWatermark);',
        to: 'const highWatermark = 0;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 70,
    bug: 'entries below the high watermark are replaced',
    reference: 'KAFKA-12460',
    change: 'neither follower nor state protects committed entries, and logs are compared by length (row 6)',
    edits: [
      {
        file: 'src/raft/role/election.ts',
        from: 'if (request.lastEpoch !== state.log.lastEpoch)',
        to: 'if (false)',
      },
      {
        file: follower,
        from: 'if (requestEnd <= state.highWatermark) {',
        to: 'if (requestEnd <= log.startOffset) {',
      },
      {
        file: follower,
        from: 'if (baseOffset < state.highWatermark) {',
        to: 'if (baseOffset < log.startOffset) {',
      },
      {
        file: 'src/raft/state.ts',
        from: "assert(first.offset >= this.highWatermark, 'what is committed is never replaced');",
        to: '',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 71,
    bug: 'a long divergent tail is searched entry by entry and never passed',
    reference: 'cockroachdb and etcd, async-raft 6d53aa12',
    change: 'a rejection moves back by one, at most five from the end',
    edits: [
      {
        file: leader,
        from: 'becomeProbe(progress, end.endOffset);',
        to: 'void end;\n  becomeProbe(progress, progress.next - 1 < state.log.endOffset - 5 ? state.log.endOffset : progress.next - 1);',
      },
    ],
    caughtBy: raft,
  },
];
