/**
 * Selects partitions as a command line describes them: with `--topic` and `--partitions`, or with a list of rules
 * `topic:partition`. The topic of a rule is a regular expression. Its partition is a number or a range, in which the lower end
 * is included and the upper one is not.
 */
import { includeList } from '../arguments/include-list.ts';
import { ToolError } from '../tool.ts';

export type PartitionFilter = (topic: string, partition: number) => boolean;

function parseRule(rule: string): PartitionFilter {
  const match = /^([^:,]*)(?::(?:([0-9]*)|(?:([0-9]*)-([0-9]*))))?$/.exec(rule);
  if (match === null) throw new ToolError(`Invalid rule specification: ${rule}`);
  const [, name = '', one, from, to] = match;
  const topics = name === '' ? null : includeList(name);
  const bound = (text: string | undefined, other: number): number =>
    text === undefined || text === '' ? other : Number(text);
  const isIn = (partition: number): boolean => {
    if (one !== undefined && one !== '') return partition === Number(one);
    return partition >= bound(from, 0) && partition < bound(to, Number.POSITIVE_INFINITY);
  };
  return (topic, partition) => (topics === null || topics.matches(topic)) && isIn(partition);
}

/**
 * Returns a filter for rules such as `topic1:1,topic2:0-3,topic3`. It selects a partition that at least one of the rules
 * matches.
 */
export function filterOfRules(text: string): PartitionFilter {
  const rules = text.split(',').map(parseRule);
  return (topic, partition) => rules.some((rule) => rule(topic, partition));
}

/**
 * Returns a filter for `--topic` and `--partitions`. Null stands for an option that was not given, which then does not filter.
 */
export function filterOfTopic(topic: string | null, partitions: string | null): PartitionFilter {
  const topics = topic === null ? null : includeList(topic);
  const wanted = partitions === null || partitions === '' ? null : new Set<number>();
  for (const one of partitions?.split(',') ?? []) {
    if (one === '') continue;
    if (!/^[+-]?\d+$/.test(one)) {
      throw new ToolError(
        `--partitions expects a comma separated list of numeric partition ids, but received: ${partitions}`,
      );
    }
    wanted?.add(Number(one));
  }
  return (name, partition) =>
    (topics === null || topics.matches(name)) && (wanted === null || wanted.has(partition));
}
