/**
 * Requests to transactions in every state. Each version has transactional ids of its own, because the questions change their
 * state.
 */
import { buildBatch } from './side.mjs';

const setup = { always: true, ignore: true, once: true };
/** Fields that are not compared, because ids and times differ from run to run. */
const skip = ['producerId', 'transactionStartTimeMs', 'baseOffset', 'logStartOffset'];
const only = (wanted) => (version) => version === wanted;

/** Waits until markers are written. Before that, Kafka's answers depend on how fast it is. */
function wait(id, ms = 300) {
  return {
    id: `transactions, wait: ${id}`,
    api: 'Metadata',
    once: true,
    ignore: true,
    body: async () => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return { topics: [] };
    },
  };
}

function init(tid, what = 'init', change = {}, version = 5) {
  return {
    id: `InitProducerId: ${tid}: ${what}`,
    api: 'InitProducerId',
    versions: only(version),
    skip,
    body: (_version, side) => ({
      transactionalId: tid,
      transactionTimeoutMs: 60_000,
      ...(typeof change === 'function' ? change(side.kept[tid]) : change),
    }),
    keep(answer, side) {
      const { errorCode, producerId, producerEpoch } = answer;
      if (errorCode === 0) side.kept[tid] = { producerId, producerEpoch };
    },
  };
}

const topicsOf = (topics) => Object.entries(topics).map(([name, partitions]) => ({ name, partitions }));

function add(tid, what, version, change = {}) {
  const { topics = { full: [0] }, verifyOnly = false, ...producer } = change;
  return {
    id: `AddPartitionsToTxn: ${tid}: ${what}`,
    api: 'AddPartitionsToTxn',
    versions: only(version),
    skip,
    body(_version, side) {
      const who = { transactionalId: tid, producerId: 0, producerEpoch: 0, ...side.kept[tid], ...producer };
      if (version >= 4) return { transactions: [{ ...who, verifyOnly, topics: topicsOf(topics) }] };
      return {
        v3AndBelowTransactionalId: who.transactionalId,
        v3AndBelowProducerId: who.producerId,
        v3AndBelowProducerEpoch: who.producerEpoch,
        v3AndBelowTopics: topicsOf(topics),
      };
    },
  };
}

function addOffsets(tid, what, version, producer = {}) {
  return {
    id: `AddOffsetsToTxn: ${tid}: ${what}`,
    api: 'AddOffsetsToTxn',
    versions: only(version),
    body: (_version, side) => ({
      transactionalId: tid,
      producerId: 0,
      producerEpoch: 0,
      groupId: 'g',
      ...side.kept[tid],
      ...producer,
    }),
  };
}

/** Ends a transaction. With `back` the request has a producer epoch that is so much lower than the present one. */
function end(tid, what, version, committed, change = /** @type {any} */ ({})) {
  const { back = 0, ...producer } = change;
  return {
    id: `EndTxn: ${tid}: ${what}, ${committed ? 'commit' : 'abort'}`,
    api: 'EndTxn',
    versions: only(version),
    skip,
    body(_version, side) {
      const own = side.kept[tid] ?? { producerId: 0, producerEpoch: 0 };
      const producerEpoch = own.producerEpoch - back;
      return { transactionalId: tid, committed, ...own, producerEpoch, ...producer };
    },
    keep({ errorCode, producerId, producerEpoch }, side) {
      if (errorCode === 0 && producerId >= 0) side.kept[tid] = { producerId, producerEpoch };
    },
  };
}

function describe(tid, what) {
  return {
    id: `DescribeTransactions: ${tid}: ${what}`,
    api: 'DescribeTransactions',
    skip,
    body: () => ({ transactionalIds: [tid] }),
  };
}

function produce(
  tid,
  what,
  version,
  sequence,
  { isTransactional = true, back = 0, transactionalId = tid } = {},
) {
  return {
    id: `Produce: ${tid}: ${what}`,
    api: 'Produce',
    versions: only(version),
    skip: [...skip, 'errorMessage'],
    body(_version, side) {
      const { producerId, producerEpoch } = side.kept[tid];
      const records = buildBatch({
        records: [{ key: null, value: Buffer.from('v'), timestamp: 1_700_000_000_000 }],
        producerId,
        producerEpoch: producerEpoch - back,
        baseSequence: sequence,
        isTransactional,
      });
      return {
        transactionalId,
        acks: -1,
        timeoutMs: 5000,
        topicData: [{ name: 'empty', partitionData: [{ index: 0, records }] }],
      };
    },
  };
}

function* beginnings() {
  for (let tries = 0; tries < 4; tries++) {
    yield {
      ...setup,
      id: `setup: transaction coordinator ${tries}`,
      api: 'FindCoordinator',
      body: () => ({ keyType: 1, coordinatorKeys: ['t'] }),
    };
    yield { ...wait(`coordinator ${tries}`, 1000), ...setup };
  }
  for (const version of [0, 1, 2, 3, 4, 5]) {
    const tid = `init-${version}`;
    for (const transactionTimeoutMs of [-1, 0, 900_001]) {
      yield init(tid, `${transactionTimeoutMs} ms`, { transactionTimeoutMs }, version);
    }
    yield init(tid, 'first', {}, version);
    yield init(tid, 'second', {}, version);
    if (version < 3) continue;
    yield init(tid, 'resumed', (own) => own, version);
    yield init(tid, 'stale', ({ producerId }) => ({ producerId, producerEpoch: 0 }), version);
    yield init(tid, 'ahead', ({ producerId }) => ({ producerId, producerEpoch: 77 }), version);
    yield init(tid, 'stranger', { producerId: 987_654, producerEpoch: 0 }, version);
    yield init(tid, 'half', { producerId: 5, producerEpoch: -1 }, version);
    yield init(`fresh-${version}`, 'unknown id with an epoch', { producerId: 5, producerEpoch: 3 }, version);
  }
}

function* additions() {
  for (const version of [0, 1, 2, 3, 4, 5]) {
    const tid = `add-${version}`;
    yield add(tid, 'unknown id', version);
    yield init(tid);
    yield add(tid, 'no name', version, { transactionalId: '' });
    yield add(tid, 'wrong producer', version, { producerId: 987_654 });
    yield add(tid, 'wrong epoch', version, { producerEpoch: 9 });
    yield add(tid, 'nothing', version, { topics: {} });
    yield add(tid, 'absent topic', version, { topics: { full: [0], absent: [0] } });
    yield add(tid, 'absent partition', version, { topics: { full: [0, 7, -1] } });
    yield add(tid, 'internal topic', version, { topics: { full: [0], __consumer_offsets: [0] } });
    if (version >= 4) yield add(tid, 'verify before', version, { verifyOnly: true });
    yield describe(tid, 'before');
    yield add(tid, 'two', version, { topics: { full: [0, 1] } });
    yield add(tid, 'again', version, { topics: { full: [1, 1] } });
    if (version >= 4) {
      yield add(tid, 'verify', version, { verifyOnly: true, topics: { full: [0], empty: [0] } });
      yield add(tid, 'verify a wrong epoch', version, { verifyOnly: true, producerEpoch: 9 });
      yield add(tid, 'verify an unknown id', version, { verifyOnly: true, transactionalId: 'nobody' });
    }
    yield describe(tid, 'open');
    yield init(tid, 'while open');
    yield wait(tid);
    yield describe(tid, 'after the abort');
    yield init(tid, 'after the abort');
  }
  for (const version of [0, 1, 2, 3, 4]) {
    const tid = `offsets-${version}`;
    yield addOffsets(tid, 'unknown id', version);
    yield init(tid);
    yield addOffsets(tid, 'no name', version, { transactionalId: '' });
    yield addOffsets(tid, 'wrong producer', version, { producerId: 987_654 });
    yield addOffsets(tid, 'wrong epoch', version, { producerEpoch: 9 });
    yield addOffsets(tid, 'no group', version, { groupId: '' });
    yield addOffsets(tid, 'group', version);
    yield describe(tid, 'open');
  }
}

function* ends() {
  for (const version of [0, 1, 2, 3, 4, 5]) {
    for (const first of [true, false]) {
      const tid = `end-${version}-${first}`;
      yield end(tid, 'unknown id', version, first);
      yield init(tid, 'first');
      yield init(tid);
      yield end(tid, 'no name', version, first, { transactionalId: '' });
      yield end(tid, 'wrong producer', version, first, { producerId: 987_654 });
      yield end(tid, 'wrong epoch', version, first, { producerEpoch: 9 });
      yield end(tid, 'empty, epoch before', version, first, { back: 1 });
      yield end(tid, 'empty', version, first);
      yield wait(`${tid} empty`);
      yield add(tid, 'for the end', 3);
      yield end(tid, 'open, epoch before', version, first, { back: 1 });
      yield end(tid, 'open', version, first);
      yield wait(tid);
      yield describe(tid, 'ended');
      for (const committed of [true, false]) {
        for (const back of [2, 1, 0]) {
          yield end(tid, `ended, ${back} epochs before`, version, committed, { back });
          yield wait(`${tid} ${committed} ${back}`);
          yield describe(tid, `asked for ${committed}, ${back}`);
        }
      }
    }
  }
}

function* appends() {
  for (const version of [9, 11, 12, 13]) {
    const tid = `produce-${version}`;
    yield init(tid, 'first');
    yield init(tid);
    yield produce(tid, 'without a transaction', version, 0);
    yield produce(tid, 'epoch before', version, 0, { back: 1 });
    yield produce(tid, 'without transactional id', version, 0, { transactionalId: null });
    yield describe(tid, 'after what was refused');
    if (version < 12) yield add(tid, 'for records', 3, { topics: { empty: [0] } });
    if (version < 12) yield produce(tid, 'in the transaction', version, 0);
    yield produce(tid, 'not transactional in a transaction', version, 1, { isTransactional: false });
    yield produce(tid, 'a gap', version, 5);
    yield end(tid, 'records', version < 12 ? 3 : 5, true);
    yield wait(tid);
    yield produce(tid, 'epoch of the ended transaction', version, 1, { back: version < 12 ? 0 : 1 });
  }
}

function* lists() {
  const filters = [
    {},
    { stateFilters: ['Ongoing'] },
    { stateFilters: ['ongoing'] },
    { stateFilters: ['CompleteAbort', 'nope'] },
    { stateFilters: ['PrepareEpochFence', 'Dead'] },
  ];
  for (const filter of filters) {
    yield {
      id: `ListTransactions: transactions ${JSON.stringify(filter)}`,
      api: 'ListTransactions',
      skip,
      body: () => ({ stateFilters: [], producerIdFilters: [], ...filter }),
    };
  }
  for (const durationFilter of [0, 3_600_000, -5]) {
    yield {
      id: `ListTransactions: longer than ${durationFilter} ms`,
      api: 'ListTransactions',
      versions: (version) => version >= 1,
      skip,
      body: () => ({ stateFilters: ['Ongoing'], producerIdFilters: [], durationFilter }),
    };
  }
  for (const transactionalIdPattern of [
    'end-1-.*',
    'end',
    '',
    '(',
    '[',
    'a**',
    '(?<x>e).*',
    '\\p{Greek}*',
    '(?i)END-1.*',
  ]) {
    yield {
      id: `ListTransactions: pattern ${transactionalIdPattern}`,
      api: 'ListTransactions',
      versions: only(2),
      skip,
      body: () => ({ stateFilters: [], producerIdFilters: [], transactionalIdPattern }),
    };
  }
}

export function* transactionQuestions() {
  yield* beginnings();
  yield* additions();
  yield* ends();
  yield* appends();
  yield* lists();
}
