/**
 * TxnOffsetCommit (28), v0–v5. Offsets of a group as part of a producer's transaction: they count, all or none, when it commits.
 * Versions:  v2 leader epochs · v3 the member and its generation are checked · v4 errors that abort the transaction ·
 *            v5 the partition of the group is added to the transaction with this request (KIP-890).
 * Behaviour: topics and partitions that do not exist, and metadata that is too long, fail on their own; all else is one atomic batch.
 */
import { type ErrorRow, Errors } from '../../../protocol/errors.ts';
import {
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '../../../protocol/messages/transactions/28-txn-offset-commit.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import { commitThrough, splitCommit } from '../groups/commit-topics.ts';

type Response = Init<typeof TxnOffsetCommitResponse>;

const loadInProgressSince = 2;

export function createTxnOffsetCommitHandler(groups: GroupService): Handler {
  return defineHandler(TxnOffsetCommitRequest, TxnOffsetCommitResponse, {
    versions: '0-5',
    listeners: ['broker'],
    handle(request, { image, apiVersion }) {
      const byName = ({ name }: { name: string }) => image.topics.byName(name);
      const { known, merge } = splitCommit(request.topics, byName, Errors.UNKNOWN_TOPIC_OR_PARTITION);
      const answer = (committed: Parameters<typeof merge>[0]): Response => {
        const lists = merge(committed);
        return { topics: request.topics.map(({ name }, at) => ({ name, partitions: lists[at] ?? [] })) };
      };
      if (known.length === 0) return answer({ topics: [] });
      const committed = commitThrough(
        known,
        () => groups.commitTransactional(apiVersion, { ...request, topics: known }),
        (error) => wordOf(error, apiVersion).code,
      );
      return committed instanceof Promise ? committed.then(answer) : answer(committed);
    },
    failed: (request, error, { apiVersion }) => failed(request, wordOf(error, apiVersion)),
  });
}

/** Clients before 2.0 cannot handle COORDINATOR_LOAD_IN_PROGRESS. */
function wordOf(error: ErrorRow, apiVersion: number): ErrorRow {
  const isOld = apiVersion < loadInProgressSince;
  return isOld && error === Errors.COORDINATOR_LOAD_IN_PROGRESS ? Errors.COORDINATOR_NOT_AVAILABLE : error;
}

function failed({ topics }: TxnOffsetCommitRequest, error: ErrorRow): Response {
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: error.code })),
    })),
  };
}
