/**
 * Bugs around the core of raft: the driver, what the controller gets from the log, the disk. Tests of these parts find them.
 */
const store = 'src/adapters/leveldb/raft-store.ts';
const storeTest = 'test/adapters/leveldb/raft-store.test.ts';
const delivery = 'src/server/raft/delivery.ts';
const deliveryTest = 'test/server/raft/delivery.test.ts';

export const driverRows = [
  {
    number: 32,
    bug: "a proposal is reported as committed although another leader's entry has its offset",
    reference: 'redpanda #3003',
    change: 'proposals are kept when the leadership is lost',
    edits: [
      {
        file: 'src/server/raft/proposals.ts',
        from: 'for (const { waiting } of lost) waiting.reject(error);',
        to: 'this.#byOffset = lost;\n    void error;',
      },
    ],
    caughtBy: { test: 'test/server/raft/proposals.test.ts' },
  },
  {
    number: 36,
    bug: 'a leader acts before an entry of its own epoch is committed',
    reference: 'redpanda #5025',
    change: 'the controller is activated at the election',
    edits: [{ file: 'src/server/raft/leadership.ts', from: 'if (endOffset <= startOffset) return;', to: '' }],
    caughtBy: { world: 'cluster' },
  },
  {
    number: 41,
    bug: 'the state and the index up to which it was applied are stored apart',
    reference: 'etcd #13766',
    nearest: 'The state is stored in snapshots only.',
    change: 'a snapshot gets the offset that the image has when the bytes are ready',
    edits: [
      {
        file: 'src/server/controller/snapshot-writer.ts',
        from: 'await log.saveSnapshot(image.offset, image.epoch, bytes);',
        to: 'await log.saveSnapshot(loader.image.offset, loader.image.epoch, bytes);',
      },
    ],
    caughtBy: { test: 'test/server/controller/snapshot-writer.test.ts' },
  },
  {
    number: 43,
    bug: 'the hard state is stored ahead of the entries that it speaks of',
    reference: 'etcd #1716, cockroachdb #2592, TiKV #7353, #10078',
    change: 'the hard state is written in its own batch, before the entries',
    edits: [
      {
        file: store,
        from: "batch.push({ type: 'put', key: hardKey, value: encodeHardState(hard) });",
        to: "await this.#db.batch([{ type: 'put', key: hardKey, value: encodeHardState(hard) }], { sync: true });",
      },
    ],
    caughtBy: { test: 'test/adapters/leveldb/one-batch.test.ts' },
  },
  {
    number: 46,
    bug: 'a node starts with a log that begins after its snapshot',
    reference: 'KAFKA-14240',
    change: 'the snapshot is not checked at open',
    edits: [
      {
        file: store,
        from: 'if (startOffset > 0 && (snapshot === null',
        to: 'if (startOffset < 0 && (snapshot === null',
      },
    ],
    caughtBy: { test: 'test/adapters/leveldb/snapshot-missing.test.ts' },
  },
  {
    number: 49,
    bug: 'entries are applied while a snapshot is being installed',
    reference: 'openraft eed681d5',
    change: 'the delivery does not wait until the listeners have restored the snapshot',
    edits: [{ file: delivery, from: 'await onSnapshot({', to: 'void onSnapshot({' }],
    caughtBy: { test: deliveryTest },
  },
  {
    number: 55,
    bug: 'writes are not synced: one power cut loses what was acknowledged',
    reference: 'NATS #7564, #7567',
    change: 'batches are written with sync: false',
    edits: [
      {
        file: store,
        from: 'await this.#db.batch(batch, { sync: true });',
        to: 'await this.#db.batch(batch, { sync: false });',
      },
    ],
    caughtBy: { test: 'test/adapters/leveldb/one-batch.test.ts' },
  },
  {
    number: 56,
    bug: 'a flipped bit is read as data',
    reference: 'NATS #7549, #7556',
    change: 'checksums are not compared',
    edits: [
      {
        file: 'src/adapters/leveldb/frame.ts',
        from: "if (crc !== crc32c(bytes, 0, crcEnd)) throw new MalformedError('a record does not match its checksum');",
        to: '',
      },
    ],
    caughtBy: { test: storeTest },
  },
  {
    number: 57,
    bug: 'LevelDB skips a damaged record without an error, and a vote is lost',
    reference: 'classic-level 3.0.0, measured',
    change: 'log end, generation and chain of frames are not compared with the hard state',
    edits: [
      { file: store, from: 'if (frame.generation > this.#hard.generation)', to: 'if (frame.generation < 0)' },
      {
        file: store,
        from: 'if (expected.chain >= 0 && frame.chain !== expected.chain)',
        to: 'if (frame.chain < 0)',
      },
      { file: store, from: 'if (expected.offset !== endOffset)', to: 'if (expected.offset < 0)' },
      { file: store, from: 'if (this.#frames.length > 0 && expected.chain !== chain)', to: 'if (chain < 0)' },
    ],
    caughtBy: { test: storeTest },
  },
  {
    number: 58,
    bug: 'two writes are in flight, and take effect in any order',
    reference: 'classic-level 3.0.0, measured',
    change: 'the next write does not wait for the one before',
    edits: [
      {
        file: 'src/server/raft/group-commit.ts',
        from: 'await store.write(ops);\n        onPersisted(at(ops, ops.length - 1).seq);',
        to: 'store.write(ops).then(() => onPersisted(at(ops, ops.length - 1).seq), onFailure);\n        await Promise.resolve();',
      },
    ],
    caughtBy: { world: 'cluster' },
  },
  {
    number: 60,
    bug: 'the log is cut before the snapshot is durable',
    reference: 'redisraft #43, #45',
    change: 'the snapshot is reported to the core when its write begins',
    edits: [
      {
        file: 'src/server/raft/voter-log.ts',
        from: 'await this.#options.store.saveSnapshot(meta, bytes);',
        to: 'this.#options.store.saveSnapshot(meta, bytes).catch((error: unknown) => this.#fail(error));',
      },
    ],
    caughtBy: { test: 'test/server/raft/snapshot-order.test.ts' },
  },
  {
    number: 61,
    bug: 'a forwarded proposal is made again and again',
    reference: 'redisraft #13',
    change: 'a request is sent again after its response',
    edits: [
      {
        file: 'src/server/controller/controller-client.ts',
        from: 'if (answer !== lost) return answer;',
        to: 'if (answer !== lost && retryMs > retryMsMin) return answer;',
      },
    ],
    caughtBy: { test: 'test/server/controller/controller-client.test.ts' },
  },
  {
    number: 65,
    bug: 'an observer stays with an endpoint that does not answer',
    reference: 'KAFKA-19354, KAFKA-20514',
    change: 'the next voter is not tried',
    edits: [{ file: 'src/server/raft/observer-log.ts', from: '    this.#rotation += 1;\n', to: '' }],
    caughtBy: { test: 'test/server/raft/observer-log.test.ts' },
  },
  {
    number: 1290,
    bug: 'a broker without any controller believes in the last leader, and its stop waits for a controlled shutdown',
    reference: 'own: CI, test/cli/bendemann.test.ts',
    change: 'the leader is never forgotten',
    edits: [
      {
        file: 'src/server/raft/observer-log.ts',
        from: '    if (this.#failures > this.#addresses().length) this.#forgetLeader();\n',
        to: '',
      },
    ],
    caughtBy: { test: 'test/server/raft/observer-log.test.ts' },
  },
  {
    number: 72,
    bug: 'entries count as applied before they are',
    reference: 'async-raft 89bb48f8',
    change: 'the delivered end moves before the listeners have the entries',
    edits: [
      {
        file: delivery,
        from: '      onCommit(batch);\n      this.#endOffset += batch.length;',
        to: '      this.#endOffset += batch.length;\n      onCommit(batch);',
      },
    ],
    caughtBy: { test: deliveryTest },
  },
];
