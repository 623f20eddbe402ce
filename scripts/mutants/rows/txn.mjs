/** Bugs of transaction coordinators. */
const rules = 'test/txn/shard.test.ts';
const ends = 'test/txn/ends.test.ts';
const random = { test: 'test/txn/txn.property.test.ts', name: 'random producers' };
const sender = 'test/broker/txn/marker-sender.test.ts';

export const txnRows = [
  {
    number: 601,
    bug: 'a second producer with the same transactional id does not fence the first',
    reference: 'KIP-98, InitProducerId',
    change: 'the epoch is not raised',
    edits: [
      {
        file: 'src/txn/transaction.ts',
        from: 'return initialised(from, init, { producerEpoch: from.producerEpoch + 1 });',
        to: 'return initialised(from, init, {});',
      },
    ],
    caughtBy: {
      test: rules,
      name: 'a new transactional id gets a new producer id and epoch 0, the next producer the next epoch',
    },
  },
  {
    number: 602,
    bug: 'records of an ended transaction that arrive late become part of the next one',
    reference: 'KIP-890',
    change: 'with version 2 the end of a transaction does not raise the epoch',
    edits: [
      {
        file: 'src/txn/transaction.ts',
        from: 'const bumps = end.clientVersion >= 2;',
        to: 'const bumps = end.clientVersion > 2;',
      },
    ],
    caughtBy: {
      test: rules,
      name: 'is answered, and its markers are sent, when its record is committed, not before',
    },
  },
  {
    number: 603,
    bug: 'a producer is told that its transaction is committed, and the next coordinator aborts it',
    reference: 'krabka 0.6: coordinators must answer after the commit of their record (PF-106)',
    change: 'EndTxn is answered when the record is appended',
    edits: [
      {
        file: 'src/txn/txn-turn.ts',
        from: '    undo: (later) => settle(later, entry, () => undefined),\n    answer,\n  });',
        to: '    undo: (later) => settle(later, entry, () => undefined),\n  });\n  answer(turn, null);',
      },
    ],
    caughtBy: {
      test: rules,
      name: 'is answered, and its markers are sent, when its record is committed, not before',
    },
  },
  {
    number: 604,
    bug: 'a decision whose write failed takes effect',
    reference: 'KAFKA-5167',
    change: 'a refused record changes the state',
    edits: [
      {
        file: 'src/txn/txn-turn.ts',
        from: '    undo: (later) => settle(later, entry, () => undefined),\n    answer,',
        to: '    undo: (later) => settle(later, entry, () => setCurrent(later.shard, entry, next)),\n    answer,',
      },
    ],
    caughtBy: { test: rules, name: 'when the write of its record fails, the transaction stays open' },
  },
  {
    number: 605,
    bug: 'a transaction completes without all its markers: read_committed readers of the others wait for ever',
    reference: 'krabka 0.6 (PF-107)',
    change: 'the first marker completes it',
    edits: [
      {
        file: 'src/txn/markers.ts',
        from: 'if (entry.round.missing.size === 0 && !entry.isPending) complete(turn, entry);',
        to: 'if (!entry.isPending) complete(turn, entry);',
      },
    ],
    caughtBy: { test: ends, name: 'a transaction is complete when each of its partitions has its marker' },
  },
  {
    number: 606,
    bug: 'the markers of a transaction that was decided before a fail-over are never written',
    reference: 'KAFKA-5252',
    change: 'the next coordinator does not go on with decided transactions',
    edits: [
      {
        file: 'src/txn/replay.ts',
        from: 'if (entry.current !== null && isEnding(entry.current.state)) startRound(turn, entry);',
        to: 'void [startRound, turn, isEnding, entry];',
      },
    ],
    caughtBy: { test: ends, name: 'the next coordinator sends all markers again' },
  },
  {
    number: 607,
    bug: 'a fenced producer commits the transaction of its successor',
    reference: 'KIP-98; Kafka TransactionCoordinator.endTransaction',
    change: 'the end of a transaction does not check the epoch (versions 0 and 1)',
    edits: [
      {
        file: 'src/txn/end-txn.ts',
        from: 'if (current.producerEpoch !== request.producerEpoch) return Errors.PRODUCER_FENCED;\n  if (current.state',
        to: 'if (current.state',
      },
    ],
    caughtBy: { test: rules, name: 'aborts an open transaction, and fences the former producer' },
  },
  {
    number: 608,
    bug: 'a retried commit succeeds although the transaction was aborted',
    reference: 'KIP-890; Kafka TransactionCoordinator, table of retries',
    change: 'a retry is not compared with the decision',
    edits: [
      {
        file: 'src/txn/end-txn.ts',
        from: "    return isSameResult(current, request) ? 'done' : Errors.INVALID_TXN_STATE;\n  }\n  if (!isPresent)",
        to: "    return 'done';\n  }\n  if (!isPresent)",
      },
    ],
    caughtBy: { test: rules, name: 'version 2, ' },
  },
  {
    number: 609,
    bug: 'a write that timed out is forgotten; the next one builds on a state that is not that of the log',
    reference: 'our own: Kafka clears the pending state at REQUEST_TIMED_OUT',
    change: 'a timed-out write counts as failed',
    edits: [
      {
        file: 'src/coordinator/turn.ts',
        from: '    pending.answer(turn, outcome.error);\n    return;\n  }',
        to: '    pending.undo(turn, outcome.error);\n    pending.answer(turn, outcome.error);\n    turn.shard.pending.delete(outcome.writeId);\n    return;\n  }',
      },
    ],
    caughtBy: {
      test: rules,
      name: 'while it is unknown whether its record is committed, other requests get CONCURRENT_TRANSACTIONS',
    },
  },
  {
    number: 610,
    bug: 'a late marker report of one transaction completes the next one of the same id',
    reference: 'our own; Kafka compares coordinator epochs only',
    change: 'a report is not compared with the round',
    edits: [
      {
        file: 'src/txn/markers.ts',
        from: 'if (entry === undefined || entry.round?.id !== round) return;',
        to: 'if (entry === undefined || entry.round === null) return;\n  void round;',
      },
    ],
    caughtBy: { test: ends, name: 'markers of an earlier transaction of the same id change nothing' },
  },
  {
    number: 611,
    bug: 'an epoch overflows, and a new producer gets the epoch of an old one',
    reference: 'KAFKA-5755, KIP-360',
    change: 'a producer id is used after its last epoch',
    edits: [
      {
        file: 'src/txn/transaction.ts',
        from: 'return epoch >= epochMax - 1;',
        to: 'return epoch >= 2 * epochMax;',
      },
    ],
    caughtBy: {
      test: rules,
      name: 'after the last epoch the next producer, and its retry, get a new producer id',
    },
  },
  {
    number: 612,
    bug: 'a transactional id expires with its open transaction: no marker is ever written',
    reference: 'KAFKA-8448',
    change: 'expiry does not check the state',
    edits: [
      {
        file: 'src/txn/txn-turn.ts',
        from: 'return !entry.isPending && entry.current !== null && isIdle(entry.current.state);',
        to: 'return !entry.isPending && entry.current !== null;',
      },
      { file: 'src/txn/txn-turn.ts', from: 'import { isEnding, isIdle, type', to: 'import { isEnding, type' },
    ],
    caughtBy: {
      test: ends,
      name: 'an unused transactional id is removed; one with an open transaction is not',
    },
  },
  {
    number: 613,
    bug: 'a transaction is aborted by its time-out without fencing: its producer writes on outside of it',
    reference: 'KIP-98; PF-34',
    change: 'the abort of the coordinator does not raise the epoch (versions 0 and 1)',
    edits: [
      {
        file: 'src/txn/transaction.ts',
        from: '    ...decided,\n    producerEpoch: Math.min(epochMax, from.producerEpoch + 1),',
        to: '    ...decided,',
      },
    ],
    caughtBy: { test: ends, name: 'an open transaction is aborted after its time-out' },
  },
  {
    number: 614,
    bug: 'a crashed producer returns with its old epoch after another one took over',
    reference: 'KIP-360',
    change: 'the new producer is recorded with the old epoch as its previous one',
    edits: [
      {
        file: 'src/txn/init-producer-id.ts',
        from: 'lastProducerEpoch: hasOwn ? current.producerEpoch : noEpoch,',
        to: 'lastProducerEpoch: current.producerEpoch,',
      },
    ],
    caughtBy: {
      test: rules,
      name: 'increments the epoch of a known producer, repeats the response to a retry, and fences others',
    },
  },
  {
    number: 615,
    bug: 'a marker that its partition refused is never sent again: read_committed readers wait for ever',
    reference: 'krabka 0.6 (PF-107)',
    change: 'a response with an error counts as success',
    edits: [
      {
        file: 'src/broker/txn/marker-sender.ts',
        from: "    default:\n      return 'again';",
        to: "    default:\n      return 'done';",
      },
    ],
    caughtBy: { test: sender, name: 'NOT_ENOUGH_REPLICAS' },
  },
  {
    number: 616,
    bug: 'a transaction with a partition of a deleted topic never completes, and its id can never be used again',
    reference: 'KAFKA-6634',
    change: 'the marker of a deleted partition is sent again and again',
    edits: [
      {
        file: 'src/broker/txn/marker-sender.ts',
        from: 'if (partition === undefined) gone.push(marker);',
        to: 'if (partition === undefined) this.#retryLater([marker]);',
      },
    ],
    caughtBy: { test: sender, name: 'a deleted partition counts as marked' },
  },
  {
    number: 617,
    bug: 'a coordinator that was replaced goes on sending markers',
    reference: 'Kafka TransactionMarkerChannelManager.removeMarkersForTxnTopicPartition',
    change: 'the sender does not check whether its transaction is still wanted',
    edits: [
      {
        file: 'src/broker/txn/marker-sender.ts',
        from: '      if (!marker.order.isWanted()) continue;\n',
        to: '',
      },
      {
        file: 'src/broker/txn/marker-sender.ts',
        from: '.filter(({ order }) => order.isWanted());',
        to: ';',
      },
    ],
    caughtBy: { test: sender, name: 'nothing is sent or completed when another broker has become' },
  },
  {
    number: 618,
    bug: 'AddPartitionsToTxn after EndTxn adds partitions to the transaction that is ending',
    reference: 'PF-33; brod#659',
    change: 'a request does not wait for the end of the transition',
    edits: [
      {
        file: 'src/txn/txn-turn.ts',
        from: 'return entry.isPending || (entry.current !== null && isEnding(entry.current.state));',
        to: 'return entry.isPending;',
      },
    ],
    caughtBy: random,
  },
  {
    number: 619,
    bug: 'the first batch of a transaction is refused because the previous marker came during its verification',
    reference: 'our own: found with three nodes on 2026-11-28',
    change: 'every marker invalidates the verifications of its producer',
    edits: [
      {
        file: 'src/log/producers/transaction-verification.ts',
        from: 'if (!isNext) this.#byProducer.delete(producerId);',
        to: 'void isNext;\n    this.#byProducer.delete(producerId);',
      },
    ],
    caughtBy: {
      test: 'test/log/transactions.test.ts',
      name: "version 2: a verification stays valid after the previous transaction's marker, not after its own",
    },
  },
  {
    number: 620,
    bug: 'a batch for a partition whose leadership comes during the request is refused as no part of a transaction, which ends the producer',
    reference: 'our own: found with 1,500 fresh partitions on 2026-11-28',
    change: 'a partition that is not here when the coordinator is asked may be appended to',
    edits: [
      {
        file: 'src/broker/api/records/produce-transactions.ts',
        from: 'found.set(`${topic.name}-${index}`, { guard: null, error });\n          continue;',
        to: 'void error;\n          continue;',
      },
    ],
    caughtBy: {
      test: 'test/broker/api/produce-transactions.test.ts',
      name: 'refuses a partition that this broker began to lead while',
    },
  },
  {
    number: 855,
    bug: 'a marker is acknowledged before it is committed: the coordinator completes, and the next leader has an open transaction for ever',
    reference: 'krabka 0.6 (PF-107)',
    change: 'WriteTxnMarkers answers when the marker is appended',
    edits: [
      {
        file: 'src/broker/api/transactions/27-write-txn-markers.ts',
        from: 'return this.#withinTimeout(acknowledged);',
        to: 'acknowledged.catch(() => undefined);\n    return Promise.resolve();',
      },
    ],
    caughtBy: {
      test: 'test/broker/api/produce-transactions.test.ts',
      name: 'not acknowledged in time',
    },
  },
  {
    number: 1500,
    bug: 'the log line about an aborted transaction has a negative openMs after the clock was turned back',
    reference: 'our own: readers of 2026-11-29',
    change: 'the line has the difference of the wall clock and the start time',
    edits: [
      {
        file: 'src/txn/time-outs.ts',
        from: 'noteFields(entry, current, openForMs(turn, entry, current)),',
        to: 'noteFields(entry, current, turn.wallMs - current.startMs),',
      },
    ],
    caughtBy: {
      test: ends,
      name: 'a transaction with a start time in the future is aborted after its time-out',
    },
  },
];
