/** Bugs with data that a later release has stored, as after a downgrade to this release. */
const storeTest = 'test/adapters/leveldb/later-release.test.ts';
const logTest = 'test/log/later-release.test.ts';
const coordinatorTest = 'test/broker/coordinator/later-release.test.ts';
const reference = 'a downgrade after an upgrade';

export const laterReleaseRows = [
  {
    number: 1225,
    bug: 'a record of the metadata log that a later release has written counts as damaged, and the advice is to format',
    reference,
    change: 'an unknown version of a frame or of the hard state is reported as damage',
    edits: [
      {
        file: 'src/adapters/leveldb/frame.ts',
        from: 'throw new LaterReleaseError(`a record has version',
        to: 'throw new MalformedError(`a record has version',
      },
    ],
    caughtBy: { test: storeTest, name: 'of a later version' },
  },
  {
    number: 1226,
    bug: 'the copy of the witness that a later release has written is ignored, and the older copy counts',
    reference,
    change: 'an unknown version of a copy of the witness counts as a damaged copy',
    edits: [
      {
        file: 'src/adapters/leveldb/witness.ts',
        from: 'if (found > version) throw new LaterReleaseError(`it has version ${found}, known is ${version}`);',
        to: 'if (found > version) return null;',
      },
    ],
    caughtBy: { test: storeTest, name: 'a witness of a later version' },
  },
  {
    number: 1227,
    bug: 'a controller leads a cluster whose finalized features it does not support',
    reference: 'FeatureControlManager.replay of Apache Kafka refuses the record',
    change: 'the levels of features in the metadata log are not checked',
    edits: [
      {
        file: 'src/metadata/feature-versions.ts',
        from: 'if (level < min || level > max)',
        to: 'if (level < min && level > max)',
      },
    ],
    caughtBy: {
      test: 'test/server/process/later-release.test.ts',
      name: 'ends the start with one line',
      needsBuild: true,
    },
  },
  {
    number: 1228,
    bug: 'a replica forgets which records it has lost when a later release has written the list',
    reference,
    change: 'an unknown version of the segment checkpoint counts as damage',
    edits: [
      {
        file: 'src/log/segment-checkpoint.ts',
        from: 'if (found > version) throw new LaterReleaseError(`it has',
        to: 'if (found > version) return null; else if (found < 0) throw new LaterReleaseError(`it has',
      },
    ],
    caughtBy: { test: logTest, name: 'of a later version ends the start' },
  },
  {
    number: 1229,
    bug: 'records of unknown types in a coordinator’s partition are ignored without a word',
    reference: 'CoordinatorLoaderImpl of Apache Kafka warns',
    change: 'the types are not reported after loading',
    edits: [
      {
        file: 'src/broker/coordinator/shard-loader.ts',
        from: '  reportUnknown(options, unknown);\n',
        to: '',
      },
    ],
    caughtBy: { test: coordinatorTest, name: 'one warning for each unknown type' },
  },
  {
    number: 1465,
    bug: 'a start is told to format the log directory of a later release, or goes on without it',
    reference,
    change: 'a meta.properties of a later version counts as damaged',
    edits: [
      {
        file: 'src/server/claimed-directories.ts',
        from: 'if (error instanceof LaterReleaseError) throw',
        to: 'if (error instanceof LaterReleaseError && paths.length === 0) throw',
      },
    ],
    caughtBy: { test: 'test/server/claimed-directories.test.ts', name: 'of a later release' },
  },
];
