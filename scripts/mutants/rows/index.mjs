/**
 * The table of mutants. A row has:
 *
 * - `number`, `bug`, `reference`: a bug that some implementation had, and where it is described
 * - `change`: what the patch changes in our code. `nearest`: how this bug differs from the one that is named
 * - `edits`: the patch. In `file`, the text `from`, which must occur exactly once, is replaced by `to`
 * - `caughtBy`: what must find the bug. Either a simulated world: {world, invariant}; when `invariant` is given, the name of
 *   the violated invariant must begin with it. Or a test: {test, name, needsBuild}, its file and a part of its name;
 *   `needsBuild`: the test starts processes, which run dist/, so dist/ is built with the patch
 */
import { answerRows } from './answers.mjs';
import { boundRows } from './bounds.mjs';
import { brokerRows } from './broker.mjs';
import { checkpointRows } from './checkpoints.mjs';
import { clientRows } from './client.mjs';
import { consumerGroupRows } from './consumer-groups.mjs';
import { coordinatorRows } from './coordinator.mjs';
import { driverRows } from './driver.mjs';
import { electionRows } from './elections.mjs';
import { laterReleaseRows } from './later-release.mjs';
import { logRows } from './log.mjs';
import { lostRecordsRows } from './lost-records.mjs';
import { membershipRows } from './membership.mjs';
import { offsetRows } from './offsets.mjs';
import { operationsRows } from './operations.mjs';
import { quotaRows } from './quotas.mjs';
import { readRows } from './reads.mjs';
import { recoveryRows } from './recovery.mjs';
import { replicationRows } from './replication.mjs';
import { simulatedTransactionRows } from './simulated-transactions.mjs';
import { snapshotRows } from './snapshots.mjs';
import { storageRows } from './storage.mjs';
import { testingRows } from './testing.mjs';
import { toolRows } from './tools.mjs';
import { transactionLogRows } from './transaction-log.mjs';
import { trustRows } from './trust.mjs';
import { txnRows } from './txn.mjs';
import { wireRows } from './wire.mjs';

export const rows = [
  ...answerRows,
  ...boundRows,
  ...brokerRows,
  ...checkpointRows,
  ...clientRows,
  ...consumerGroupRows,
  ...coordinatorRows,
  ...electionRows,
  ...laterReleaseRows,
  ...logRows,
  ...lostRecordsRows,
  ...simulatedTransactionRows,
  ...snapshotRows,
  ...membershipRows,
  ...offsetRows,
  ...operationsRows,
  ...quotaRows,
  ...readRows,
  ...driverRows,
  ...recoveryRows,
  ...replicationRows,
  ...storageRows,
  ...testingRows,
  ...toolRows,
  ...transactionLogRows,
  ...trustRows,
  ...txnRows,
  ...wireRows,
].sort((a, b) => a.number - b.number);
