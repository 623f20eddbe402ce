/**
 * kafka-streams-application-reset: resets a Kafka Streams application. By default it sets the offsets of input topics to the
 * beginning and those of intermediate topics to the end, and it deletes the internal topics. The application must delete its
 * local state itself.
 */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/messages/groups/13-leave-group.ts';
import {
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from '../../protocol/messages/topics/20-delete-topics.ts';
import { uuidZero } from '../../base/uuid.ts';
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { checkInvalid, type Options, parseOptions } from '../arguments/options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { atCoordinator, commitOffsets, describeGroup } from '../cluster/group-requests.ts';
import { comparePartitions, type TopicPartition } from '../cluster/list-offsets.ts';
import { atTime, type Planned, planOf } from '../groups/kafka-consumer-groups-reset.ts';
import { failureOf } from '../text/command-failure.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { streamsResetIntro, streamsResetOptions } from './kafka-streams-application-reset-options.ts';

const scenarios = [
  'to-offset',
  'to-datetime',
  'by-duration',
  'to-earliest',
  'to-latest',
  'from-file',
  'shift-by',
];
const timeoutMs = 60_000;
const latest = -1;
const earliest = -2;

/** Whether Kafka Streams has created the topic for the application. */
export function isInternalTopic(topic: string, applicationId: string): boolean {
  return (
    topic.startsWith(`${applicationId}-`) &&
    (/-(changelog|repartition|subscription-registration-topic|subscription-response-topic)$/.test(topic) ||
      /-KTABLE-FK-JOIN-SUBSCRIPTION-(REGISTRATION|RESPONSE)-\d+-topic$/.test(topic))
  );
}

function check(options: Options): void {
  if (!options.has('application-id')) throw new ToolError('Missing required option(s) [application-id]');
  for (const one of scenarios) checkInvalid(options, one, ...scenarios.filter((other) => other !== one));
}

function namesOf(options: Options, option: string): string[] {
  return options.all(option).flatMap((text) => text.split(',').map((name) => name.trim()));
}

interface Run {
  readonly client: KafkaClient;
  readonly options: Options;
  readonly io: CliIo;
  readonly applicationId: string;
}

/**
 * Throws when the application still has members, because offsets must not change while it runs. With --force the members are
 * removed instead.
 */
async function removeMembers({ client, options, applicationId }: Run): Promise<void> {
  let members: readonly { memberId: string; instanceId: string | null }[];
  try {
    ({ members } = await describeGroup(client, applicationId));
  } catch (error) {
    if (error instanceof KafkaError && error.error === Errors.GROUP_ID_NOT_FOUND) return;
    throw error;
  }
  if (members.length === 0) return;
  if (!options.has('force')) {
    const shown = members.map(({ memberId }) => memberId).join(', ');
    throw new Error(
      `java.lang.IllegalStateException: Consumer group '${applicationId}' is still active and has following members: [${shown}]. Make sure to stop all running application instances before running the reset tool. You can use option '--force' to remove active members from the group.`,
    );
  }
  await atCoordinator(client, applicationId, async (nodeId) => {
    const answer = await client.requestTo(nodeId, LeaveGroupRequest, LeaveGroupResponse, {
      groupId: applicationId,
      members: members.map(({ memberId, instanceId }) => ({ memberId, groupInstanceId: instanceId })),
    });
    if (answer.errorCode !== 0) throw new KafkaError(errorOf(answer.errorCode));
  });
}

async function partitionsOf(client: KafkaClient, topics: readonly string[]): Promise<TopicPartition[]> {
  const cluster = await client.metadata(topics);
  return topics
    .flatMap((topic) =>
      (cluster.topics.get(topic)?.partitions ?? []).map(({ index }) => ({ topic, partition: index })),
    )
    .sort(comparePartitions);
}

/** Returns the new offsets for the topics of one kind, and prints them. */
async function plan(run: Run, kind: 'input' | 'intermediate', topics: readonly string[]): Promise<Planned[]> {
  const { client, options, io, applicationId } = run;
  const partitions = await partitionsOf(client, topics);
  if (partitions.length === 0) return [];
  const isMoved = scenarios.some((name) => options.has(name));
  const offsets =
    kind === 'intermediate'
      ? await atTime(client, partitions, latest)
      : isMoved
        ? await planOf({ client, options, io, isOneGroup: true }, applicationId, partitions)
        : await atTime(client, partitions, earliest);
  io.stdout(
    kind === 'input'
      ? `Following input topics offsets will be reset to (for consumer group ${applicationId})\n`
      : `Following intermediate topics offsets will be reset to end (for consumer group ${applicationId})\n`,
  );
  for (const { topic, partition, offset } of [...offsets].sort(comparePartitions))
    io.stdout(
      kind === 'input' ? `Topic: ${topic} Partition: ${partition} Offset: ${offset}\n` : `Topic: ${topic}\n`,
    );
  return offsets;
}

/** Returns false when a topic on the command line does not exist. */
async function moveOffsets(run: Run, known: ReadonlySet<string>): Promise<boolean> {
  const { client, options, io, applicationId } = run;
  const [input, intermediate] = [namesOf(options, 'input-topics'), namesOf(options, 'intermediate-topics')];
  if (input.length === 0 && intermediate.length === 0) {
    io.stdout('No input or intermediate topics specified. Skipping seek.\n');
    return true;
  }
  if (input.length > 0) io.stdout(`Reset-offsets for input topics [${input.join(', ')}]\n`);
  if (intermediate.length > 0)
    io.stdout(`Seek-to-end for intermediate topics [${intermediate.join(', ')}]\n`);
  let areAllThere = true;
  for (const [kind, names] of [
    ['input', input],
    ['intermediate', intermediate],
  ] as const) {
    const missing = names.filter((name) => !known.has(name));
    if (missing.length === 0) continue;
    areAllThere = false;
    io.stdout(`Following ${kind} topics are not found, skipping them\n`);
    for (const name of missing) io.stdout(`Topic: ${name}\n`);
  }
  const isThere = (name: string): boolean => known.has(name);
  const offsets = [
    ...(await plan(run, 'intermediate', intermediate.filter(isThere))),
    ...(await plan(run, 'input', input.filter(isThere))),
  ];
  if (offsets.length === 0) return areAllThere;
  if (!options.has('dry-run'))
    await commitOffsets(
      client,
      applicationId,
      offsets.map((one) => ({ ...one, leaderEpoch: -1 })),
    );
  io.stdout('Done.\n');
  return areAllThere;
}

async function deleteInternalTopics(run: Run, known: ReadonlySet<string>): Promise<void> {
  const { client, options, io, applicationId } = run;
  const inferred = [...known].filter((name) => isInternalTopic(name, applicationId)).sort();
  const given = namesOf(options, 'internal-topics');
  const wrong = given.filter((name) => !inferred.includes(name));
  if (wrong.length > 0) {
    throw new Error(
      `java.lang.IllegalArgumentException: Invalid topic specified to be deleted: ${wrong.join(', ')}`,
    );
  }
  const topics = given.length > 0 ? given : inferred;
  io.stdout(
    `Deleting ${given.length > 0 ? 'specified' : 'inferred'} internal topics [${topics.join(', ')}]\n`,
  );
  if (!options.has('dry-run') && topics.length > 0) {
    const answer = await client.request(DeleteTopicsRequest, DeleteTopicsResponse, {
      topics: topics.map((name) => ({ name, topicId: uuidZero })),
      topicNames: topics,
      timeoutMs,
    });
    for (const { errorCode, errorMessage } of answer.responses)
      if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), errorMessage ?? undefined);
  }
  io.stdout('Done.\n');
}

async function reset(run: Run): Promise<number> {
  await removeMembers(run);
  if (run.options.has('dry-run'))
    run.io.stdout(
      '----Dry run displays the actions which will be performed when running Streams Reset Tool----\n',
    );
  const known = new Set((await run.client.metadata(null)).topics.keys());
  const areAllThere = await moveOffsets(run, known);
  await deleteInternalTopics(run, known);
  return areAllThere ? 0 : 1;
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = usageError(streamsResetOptions, () => parseOptions(streamsResetOptions, args));
  const status = printHelpOrVersion(options, args, streamsResetIntro, streamsResetOptions, io);
  if (status !== null) return status;
  usageError(streamsResetOptions, () => check(options));
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') ?? '',
    settings: clientSettings(options.text('command-config') ?? options.text('config-file')),
  });
  try {
    return await reset({ client, options, io, applicationId: options.text('application-id') ?? '' });
  } catch (error) {
    io.stderr(
      `ERROR: ${error instanceof KafkaError ? failureOf(error).message : (error as Error).message}\n`,
    );
    return 1;
  } finally {
    client.close();
  }
}
