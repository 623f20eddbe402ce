/**
 * The table. A row:
 *
 * - `number`, `bug`, `reference`: what some implementation had, and where that is told
 * - `change`: what the patch does to ours; `nearest`: why it is another bug than the one named
 * - `edits`: the patch: in `file`, `from` (there exactly once) becomes `to`
 * - `caughtBy`: a simulated world ({world, invariant}: the beginning of what has to catch it, if not whatever does), or a test that has to fail ({test, name}: file and part of the test's name)
 */
import { answerRows } from './answers.mjs';
import { boundRows } from './bounds.mjs';
import { brokerRows } from './broker.mjs';
import { clientRows } from './client.mjs';
import { consumerGroupRows } from './consumer-groups.mjs';
import { coordinatorRows } from './coordinator.mjs';
import { driverRows } from './driver.mjs';
import { electionRows } from './elections.mjs';
import { logRows } from './log.mjs';
import { membershipRows } from './membership.mjs';
import { operationsRows } from './operations.mjs';
import { readRows } from './reads.mjs';
import { recoveryRows } from './recovery.mjs';
import { replicationRows } from './replication.mjs';
import { simulatedTransactionRows } from './simulated-transactions.mjs';
import { snapshotRows } from './snapshots.mjs';
import { storageRows } from './storage.mjs';
import { testingRows } from './testing.mjs';
import { toolRows } from './tools.mjs';
import { transactionLogRows } from './transaction-log.mjs';
import { txnRows } from './txn.mjs';
import { wireRows } from './wire.mjs';

export const rows = [
  ...answerRows,
  ...boundRows,
  ...brokerRows,
  ...clientRows,
  ...consumerGroupRows,
  ...coordinatorRows,
  ...electionRows,
  ...logRows,
  ...simulatedTransactionRows,
  ...snapshotRows,
  ...membershipRows,
  ...operationsRows,
  ...readRows,
  ...driverRows,
  ...recoveryRows,
  ...replicationRows,
  ...storageRows,
  ...testingRows,
  ...toolRows,
  ...transactionLogRows,
  ...txnRows,
  ...wireRows,
].sort((a, b) => a.number - b.number);
