/** Bugs of the election when a replica has lost records (docs/decisions/0080-lost-records-and-leadership.md). */
const former = 'src/controller/former-isr.ts';
const change = 'src/controller/partition-change.ts';
const decision = 'docs/decisions/0080-lost-records-and-leadership.md';
const test = 'test/controller/former-isr.test.ts';
const logTest = 'test/log/lost-replicas.test.ts';

export const lostRecordsRows = [
  {
    number: 1140,
    bug: 'after all brokers were killed, the one that registers last leads although its disk lost records',
    reference: 'a reviewer; Apache Kafka',
    change: 'the last known leader is elected whether it has lost records or not',
    edits: [
      { file: change, from: 'if (last !== null && hasLost(draft.formerIsr, last)) {', to: 'if (false) {' },
    ],
    caughtBy: { test, name: 'one has lost records, start in the order' },
  },
  {
    number: 1141,
    bug: 'a replica leads that was in sync earlier than another one, which has records that only it has',
    reference: decision,
    change: 'any replica that was in sync may lead instead',
    edits: [{ file: former, from: 'all || leaderEpoch === latestEpoch', to: 'true' }],
    caughtBy: { test },
  },
  {
    number: 1142,
    bug: 'a replica leads instead that lacks what the damaged leader has committed since',
    reference: decision,
    change: 'the leader epochs in the logs are not compared',
    edits: [{ file: former, from: ' && member.leaderEpoch >= neededEpoch', to: '' }],
    caughtBy: { test, name: 'it has committed records that the others lack' },
  },
  {
    number: 1143,
    bug: 'the leader epoch goes on after a member of the ISR has left: nothing shows that a leader has acted since',
    reference: decision,
    change: 'the leader epoch is not ended',
    edits: [{ file: change, from: 'if (replicaLeft || mustEndEpoch)', to: 'if (replicaLeft)' }],
    caughtBy: { test, name: 'another left when it could commit nothing' },
  },
  {
    number: 1144,
    bug: 'after the restart of all brokers nobody knows who was in sync, because the dead leader seems to go on',
    reference: decision,
    change: 'the leader’s connection is not looked at',
    edits: [{ file: change, from: ' && isConnected(leader);', to: ';' }],
    caughtBy: { test, name: 'one has lost records, start in the order' },
  },
  {
    number: 1145,
    bug: 'the loss is forgotten when the broker starts again before it has caught up',
    reference: decision,
    change: 'a later departure replaces the entry',
    edits: [{ file: change, from: 'if (hasLost(draft.formerIsr, brokerId)) continue;', to: '' }],
    caughtBy: { test },
  },
  {
    number: 1146,
    bug: 'the loss is forgotten when the broker starts again before it could register',
    reference: decision,
    change: 'the list of lost replicas is not stored',
    edits: [
      {
        file: 'src/log/directories/lost-replicas.ts',
        from: 'if (lost.size === 0) return;',
        to: 'if (lost.size >= 0) return;',
      },
    ],
    caughtBy: { test: logTest, name: 'the list is kept until the controller has it' },
  },
  {
    number: 1147,
    bug: 'an old copy of a partition directory looks whole, because its records were never synced',
    reference: 'a reviewer',
    change: 'the log end is not compared with the high watermark',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: 'if (highWatermark <= state.logEndOffset || state.hasLostRecords) return;',
        to: 'return;',
      },
    ],
    caughtBy: { test: logTest, name: 'a log that ends in front of its high watermark' },
  },
  {
    number: 1148,
    bug: 'an old copy of all directories leads as if it were current',
    reference: 'a reviewer',
    change: 'the age of the clean shutdown file is not looked at',
    edits: [
      {
        file: 'src/controller/registration.ts',
        from: 'if (request.previousBrokerEpoch >= 0 && request.previousBrokerEpoch < lastEpoch) {',
        to: 'if (false) {',
      },
    ],
    caughtBy: { test, name: 'the directories are an old copy' },
  },
  {
    number: 1441,
    bug: 'consumers get the records of another partition, whose segment an operator put in the place of this one',
    reference: 'a tester from outside: small-0/468.log replaced by small-1/469.log',
    change: 'the first batch of a segment is not compared with the segment checkpoint',
    edits: [
      {
        file: 'src/log/recovery/segment-listing.ts',
        from: 'if (listedCrc === -1 || listedCrc === crc ||',
        to: 'if (listedCrc !== -2 || listedCrc === crc ||',
      },
    ],
    caughtBy: { test: 'test/log/missing-records.test.ts', name: 'a segment of another partition' },
  },
];
