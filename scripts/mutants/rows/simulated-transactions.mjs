/** For each invariant of transactions in the simulated cluster, one bug that this invariant must find. */
const cluster = (invariant) => ({ world: 'cluster', invariant });

export const simulatedTransactionRows = [
  {
    number: 850,
    bug: 'a transaction is committed in one partition and aborted in another',
    reference: 'KIP-98: atomic multi-partition writes',
    change: 'the leader of partition 1 and of later ones writes abort markers',
    edits: [
      {
        file: 'src/broker/api/transactions/27-write-txn-markers.ts',
        from: 'await this.#append(partition, ended);',
        to: 'await this.#append(partition, { ...ended, isCommit: ended.isCommit && index === 0 });',
      },
    ],
    caughtBy: cluster('I27'),
  },
  {
    number: 851,
    bug: 'read_committed readers get aborted records',
    reference: 'redpanda#6630 (PF-35)',
    change: 'a fetch response names no aborted transactions',
    edits: [
      {
        file: 'src/replication/partition-reads.ts',
        from: '.then((abortedTransactions) => ({ ...data, abortedTransactions }));',
        to: '.then(() => data);',
      },
    ],
    caughtBy: cluster('I28'),
  },
  {
    number: 852,
    bug: 'a producer that was replaced commits the transaction of its successor',
    reference: 'KIP-98, KIP-890; Kafka TransactionCoordinator.endTransaction',
    change: 'the end of a transaction does not look at the epoch (version 2)',
    edits: [
      {
        file: 'src/txn/end-txn.ts',
        from: 'if (!isPresent) return Errors.PRODUCER_FENCED;',
        to: 'if (!isPresent && current.producerEpoch < 0) return Errors.PRODUCER_FENCED;',
      },
    ],
    caughtBy: cluster('I29'),
  },
  {
    number: 853,
    bug: 'the offsets of an aborted transaction are committed: its input is never read again',
    reference: 'redpanda#3279, #5162 (PF-36)',
    change: 'the marker of an abort commits the pending offsets',
    edits: [
      {
        file: 'src/group/txn-offsets.ts',
        from: "if (type === 'abort') continue;",
        to: '',
      },
    ],
    caughtBy: cluster('I30'),
  },
  {
    number: 854,
    bug: 'an aborted transaction holds back readers of committed records for ever',
    reference: 'kop#1856 (PF-34)',
    change: 'the marker of an abort does not end the transaction for the last stable offset',
    edits: [
      {
        file: 'src/log/producers/producer-state.ts',
        from: 'if (txn.producerId === marker.producerId && txn.lastOffset === null) txn.lastOffset = offset;',
        to: 'if (marker.committed && txn.producerId === marker.producerId && txn.lastOffset === null) txn.lastOffset = offset;',
      },
    ],
    caughtBy: cluster('L9'),
  },
];
