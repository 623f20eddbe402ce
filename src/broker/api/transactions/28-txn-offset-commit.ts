/**
 * TxnOffsetCommit (28), v0–v5, v6 unstable. Commits offsets of a group in a producer's transaction; they take effect if it
 * commits.
 * Versions:  v2 leader epochs · v3 member and generation are checked · v4 errors that abort the transaction · v5 this request
 *            also adds the group's partition to the transaction (KIP-890) · v6 (Kafka 4.4) topic ids instead of names,
 *            GROUP_ID_NOT_FOUND and STALE_MEMBER_EPOCH (KIP-1319).
 * Behaviour: A partition that does not exist, or whose metadata is too long, gets an error of its own. The rest is one atomic
 *            batch.
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

type Topic = TxnOffsetCommitRequest['topics'][number];

const loadInProgressSince = 2;
const topicIdsSince = 6;

export function createTxnOffsetCommitHandler(groups: GroupService): Handler {
  return defineHandler(TxnOffsetCommitRequest, TxnOffsetCommitResponse, {
    versions: '0-5',
    unstableTo: 6,
    listeners: ['broker'],
    handle(request, { image, apiVersion }) {
      const byId = apiVersion >= topicIdsSince;
      const find = ({ name, topicId }: Topic) =>
        byId ? image.topics.byId(topicId) : image.topics.byName(name);
      const absent = byId ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION;
      const { known, merge } = splitCommit(request.topics, find, absent);
      const answer = (committed: Parameters<typeof merge>[0]): Response => {
        const lists = merge(committed);
        const topics = request.topics.map(({ name, topicId }, at) => ({
          name,
          topicId,
          partitions: lists[at] ?? [],
        }));
        return { topics };
      };
      if (known.length === 0) return answer({ topics: [] });
      const committed = commitThrough(
        known,
        () => groups.commitTransactional(apiVersion, { ...request, topics: known }),
        (error) => errorInVersion(error, apiVersion).code,
      );
      return committed instanceof Promise ? committed.then(answer) : answer(committed);
    },
    failed: (request, error, { apiVersion }) => failed(request, errorInVersion(error, apiVersion)),
  });
}

/** The error for a client of this version: clients before 2.0 do not know COORDINATOR_LOAD_IN_PROGRESS. */
function errorInVersion(error: ErrorRow, apiVersion: number): ErrorRow {
  const isOld = apiVersion < loadInProgressSince;
  return isOld && error === Errors.COORDINATOR_LOAD_IN_PROGRESS ? Errors.COORDINATOR_NOT_AVAILABLE : error;
}

function failed({ topics }: TxnOffsetCommitRequest, error: ErrorRow): Response {
  return {
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: error.code })),
    })),
  };
}
