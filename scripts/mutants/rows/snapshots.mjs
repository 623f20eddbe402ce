/** Bugs of snapshots, and of the truncation of the log below them. */
const follower = 'src/raft/role/follower.ts';
const core = 'src/raft/core.ts';
const raft = { world: 'raft' };

export const snapshotRows = [
  {
    number: 12,
    bug: 'a late snapshot truncates a log that has all its entries',
    reference: 'etcd #1763',
    change: 'the log is not compared with the snapshot',
    edits: [
      {
        file: follower,
        from: 'if (endOffset <= log.endOffset && log.epochAt(endOffset - 1) === snapshotEpoch) {',
        to: 'if (endOffset < 0) {',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 13,
    bug: 'an older snapshot is installed',
    reference: 'openraft #531, #543',
    change: 'the high watermark is not compared',
    edits: [{ file: follower, from: 'if (endOffset > state.highWatermark) {', to: 'if (endOffset > 0) {' }],
    caughtBy: raft,
  },
  {
    number: 42,
    bug: 'the state machine is ahead of what is committed',
    reference: 'etcd #20426',
    change: 'entries that are durable but not committed are applied',
    edits: [
      {
        file: core,
        from: 'return Math.min(this.state.highWatermark, this.state.log.stableEndOffset);',
        to: 'return this.state.log.stableEndOffset;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 45,
    bug: 'the log is compacted beyond the newest snapshot',
    reference: 'KAFKA-14238',
    change: 'all committed entries are removed when a snapshot is saved',
    edits: [
      {
        file: core,
        from: 'const compactTo = meta.endOffset - state.options.trailingEntries;',
        to: 'const compactTo = state.highWatermark;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 47,
    bug: 'a leader whose log is cut to its end neither probes a new follower nor sends it a snapshot',
    reference: 'openraft #1828',
    change: 'no snapshot is sent while the log is empty',
    edits: [
      {
        file: 'src/raft/role/replication.ts',
        from: 'if (progress.next < state.log.startOffset) {',
        to: 'if (progress.next < state.log.startOffset) {\n      if (state.log.startOffset === state.log.endOffset) return;',
      },
    ],
    caughtBy: raft,
  },
  {
    number: 50,
    bug: 'a second snapshot is sent while one is on its way',
    reference: 'etcd #18055',
    change: 'a heartbeat response makes the leader probe again below its log start offset',
    edits: [
      {
        file: 'src/raft/role/leader.ts',
        from: '  progress.probeSent = false;\n  const silentMs',
        to: "  progress.probeSent = false;\n  if (progress.state === 'snapshot') becomeProbe(progress, progress.match);\n  const silentMs",
      },
    ],
    caughtBy: { test: 'test/raft/one-snapshot.test.ts' },
  },
];
