/**
 * Splits a commit of offsets by whether the partitions exist. Those that exist go to the group; the others get an error here.
 * Afterwards the results of both are put into the order of the request.
 */
import type { Uuid } from '../../../base/uuid.ts';
import type { TopicImage } from '../../../metadata/topics-image.ts';
import { type ErrorRow, Errors, KafkaError } from '../../../protocol/errors.ts';

interface AskedTopic<Partition> {
  readonly name: string;
  readonly partitions: readonly Partition[];
}

interface PartitionResult {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

interface GroupAnswer {
  readonly topics: readonly { readonly partitions: readonly PartitionResult[] }[];
}

export interface SplitCommit<Topic> {
  /** The topics of the request with the partitions that exist only, each with its name and id. */
  readonly known: (Topic & { readonly topicId: Uuid })[];
  /** Given the group's results for `known`, returns the results of the whole request: one list for each of its topics. */
  readonly merge: (answer: GroupAnswer) => PartitionResult[][];
}

/** Passes a commit to the group. If the group refuses the whole commit, every partition gets the code that `codeOf` returns. */
export function commitThrough(
  topics: readonly AskedTopic<{ readonly partitionIndex: number }>[],
  commit: () => GroupAnswer | Promise<GroupAnswer>,
  codeOf: (error: ErrorRow) => number = ({ code }) => code,
): GroupAnswer | Promise<GroupAnswer> {
  const failed = (reason: unknown): GroupAnswer => {
    if (!(reason instanceof KafkaError)) throw reason;
    const errorCode = codeOf(reason.error);
    const listOf = ({ partitions }: (typeof topics)[number]): PartitionResult[] =>
      partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }));
    return { topics: topics.map((topic) => ({ partitions: listOf(topic) })) };
  };
  try {
    const answer = commit();
    return answer instanceof Promise ? answer.catch(failed) : answer;
  } catch (error) {
    return failed(error);
  }
}

/** `absent`: the error for the partitions of a topic that does not exist. */
export function splitCommit<
  Partition extends { readonly partitionIndex: number },
  Topic extends AskedTopic<Partition>,
>(
  topics: readonly (Topic & AskedTopic<Partition>)[],
  find: (topic: Topic) => TopicImage | undefined,
  absent: ErrorRow,
): SplitCommit<Topic> {
  const known: (Topic & { readonly topicId: Uuid })[] = [];
  const lists = topics.map((topic) => {
    const found = find(topic);
    const there = topic.partitions.filter((one) => found?.partitions[one.partitionIndex] !== undefined);
    if (found !== undefined && there.length > 0)
      known.push({ ...topic, name: found.name, topicId: found.id, partitions: there });
    const error = found === undefined ? absent : Errors.UNKNOWN_TOPIC_OR_PARTITION;
    return topic.partitions.map((one) => ({
      partitionIndex: one.partitionIndex,
      // Null: the group's result comes later.
      errorCode: there.includes(one) ? null : error.code,
    }));
  });
  const merge = (answer: GroupAnswer): PartitionResult[][] => {
    const rest = answer.topics.flatMap((topic) => topic.partitions)[Symbol.iterator]();
    return lists.map((partitions) =>
      partitions.map(({ partitionIndex, errorCode }) => ({
        partitionIndex,
        errorCode: errorCode ?? (rest.next().value as PartitionResult).errorCode,
      })),
    );
  };
  return { known, merge };
}
