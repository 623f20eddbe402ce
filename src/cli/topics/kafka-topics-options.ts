/** The options of kafka-topics, and checks of their combinations. */
import { topicProperties } from '../../config/tables/topic.ts';
import {
  bracketed,
  checkInvalid,
  checkRequired,
  type Options,
  type OptionTable,
} from '../arguments/options.ts';
import { ToolError } from '../tool.ts';

const configNames = Object.keys(topicProperties)
  .filter((name) => !name.startsWith('internal.'))
  .sort()
  .map((name) => `\n\t${name}`)
  .join('');
const configTail = `See the Kafka documentation for full details on the topic configs. It is supported only in combination with --create. (To alter topic configurations, the kafka-configs tool can be used.)`;

export const topicsOptions: OptionTable = {
  alter: {
    help: 'Alter the number of partitions and replica assignment. (To alter topic configurations, the kafka-configs tool can be used.)',
  },
  'at-min-isr-partitions': {
    help: 'If set when describing topics, only show partitions whose isr count is equal to the configured minimum.',
  },
  'bootstrap-server': { argument: 'server to connect to', help: 'REQUIRED: The Kafka server to connect to.' },
  'command-config': {
    argument: 'command config property file',
    help: 'Property file containing configs to be passed to Admin Client.',
  },
  config: {
    argument: 'name=value',
    help: `A topic configuration override for the topic being created. The following is a list of valid configurations: ${configNames}\n${configTail}`,
  },
  create: { help: 'Create a new topic.' },
  delete: { help: 'Delete a topic.' },
  'delete-config': {
    argument: 'name',
    help: 'This option is no longer supported and has been deprecated since 4.0',
  },
  describe: { help: 'List details for the given topics.' },
  'exclude-internal': {
    help: 'Exclude internal topics when listing or describing topics. By default, the internal topics are included.',
  },
  help: { help: 'Print usage information.' },
  'if-exists': {
    help: 'If set when altering or deleting or describing topics, the action will only execute if the topic exists.',
  },
  'if-not-exists': {
    help: 'If set when creating topics, the create request will not fail if the topic already exists, but the request will still be sent.',
  },
  list: { help: 'List all available topics.' },
  'partition-size-limit-per-response': {
    argument: 'maximum number of partitions per response',
    type: 'Integer',
    help: 'The maximum partition size to be included in one DescribeTopicPartitions response.',
  },
  partitions: {
    argument: '# of partitions',
    type: 'Integer',
    help: 'The number of partitions for the topic being created or altered. If not supplied with --create, the topic uses the cluster default. (WARNING: If partitions are increased for a topic that has a key, the partition logic or ordering of the messages will be affected).',
  },
  'replica-assignment': {
    argument:
      'broker_id_for_part1_replica1 : broker_id_for_part1_replica2 , broker_id_for_part2_replica1 : broker_id_for_part2_replica2 , ...',
    help: 'A list of manual partition-to-broker assignments for the topic being created or altered.',
  },
  'replication-factor': {
    argument: 'replication factor',
    type: 'Integer',
    help: 'The replication factor for each partition in the topic being created. If not supplied, the topic uses the cluster default.',
  },
  topic: {
    argument: 'topic',
    help: 'The topic to create, alter, describe or delete. It also accepts a regular expression, except for --create option.',
  },
  'topic-id': { argument: 'topic-id', help: 'The topic-id to describe.' },
  'topics-with-overrides': {
    help: 'If set when describing topics, only show topics that have overridden configs.',
  },
  'unavailable-partitions': {
    help: 'If set when describing topics, only show partitions whose leader is not available.',
  },
  'under-min-isr-partitions': {
    help: 'If set when describing topics, only show partitions whose isr count is less than the configured minimum.',
  },
  'under-replicated-partitions': {
    help: 'If set when describing topics, only show under-replicated partitions.',
  },
  version: { help: 'Display Kafka version.' },
};

const actions = ['list', 'describe', 'create', 'alter', 'delete'] as const;
export type TopicsAction = (typeof actions)[number];

const filters = [
  'under-replicated-partitions',
  'under-min-isr-partitions',
  'at-min-isr-partitions',
  'unavailable-partitions',
  'topics-with-overrides',
];

/** For each option, the actions that cannot be combined with it. */
const refusedBy: readonly [option: string, refusing: readonly TopicsAction[]][] = [
  ['config', ['list', 'describe', 'delete']],
  ['partitions', ['list', 'describe', 'delete']],
  ['replication-factor', ['list', 'describe', 'delete', 'alter']],
  ['replica-assignment', ['list', 'describe', 'delete']],
  ...filters.map((name): [string, readonly TopicsAction[]] => [name, ['list', 'create', 'alter', 'delete']]),
  ['if-exists', ['list', 'create']],
  ['if-not-exists', ['list', 'describe', 'alter', 'delete']],
  ['exclude-internal', ['create', 'alter', 'delete']],
];

/** Returns the action that the command line asks for. Throws, with Kafka's message, when options cannot be combined. */
export function checkTopicsOptions(options: Options): TopicsAction {
  const chosen = actions.filter((name) => options.has(name));
  const [action] = chosen;
  if (action === undefined || chosen.length > 1) {
    throw new ToolError(
      'Command must include exactly one action: --list, --describe, --create, --alter or --delete',
    );
  }
  if (action === 'create' || action === 'alter') checkRequired(options, 'topic');
  if (action === 'delete') checkRequired(options, 'topic');
  if (action === 'alter') {
    if (options.has('config')) {
      throw new ToolError(
        `Option combination "[${bracketed(['bootstrap-server', 'config'])}]" can't be used with option "[alter]" (To alter topic configurations, the kafka-configs tool can be used.)`,
      );
    }
    checkRequired(options, 'partitions');
  }
  checkInvalid(
    options,
    'replica-assignment',
    ...(action === 'create' ? ['partitions', 'replication-factor'] : []),
  );
  for (const [option, refusing] of refusedBy) checkInvalid(options, option, ...refusing);
  for (const one of filters.filter((name) => name !== 'topics-with-overrides'))
    checkInvalid(options, one, 'topics-with-overrides');
  return action;
}
