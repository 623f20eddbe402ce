/**
 * All tables of questions, in the order in which they are asked. A question may change what a later one finds, so the order
 * matters.
 */
import { clusterQuestions } from './cluster.mjs';
import { configQuestions } from './configs.mjs';
import { consumerGroupStateQuestions } from './consumer-group-states.mjs';
import { groupStateQuestions } from './group-states.mjs';
import { groupTransactionQuestions } from './group-transactions.mjs';
import { groupQuestions } from './groups.mjs';
import { recordQuestions } from './records.mjs';
import { securityQuestions } from './security.mjs';
import { sessionQuestions } from './sessions.mjs';
import { setupQuestions } from './setup.mjs';
import { topicQuestions } from './topics.mjs';
import { transactionReadQuestions } from './transaction-reads.mjs';
import { transactionQuestions } from './transactions.mjs';

export function* questions() {
  yield* setupQuestions();
  yield* clusterQuestions();
  yield* securityQuestions();
  yield* topicQuestions();
  yield* recordQuestions();
  yield* groupQuestions();
  yield* groupStateQuestions();
  yield* consumerGroupStateQuestions();
  yield* groupTransactionQuestions();
  yield* transactionQuestions();
  yield* transactionReadQuestions();
  yield* configQuestions();
  yield* sessionQuestions();
}
