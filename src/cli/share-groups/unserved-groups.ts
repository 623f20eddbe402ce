/**
 * What kafka-share-groups and kafka-streams-groups have in common. Our brokers do not support their kinds of groups. The tools
 * check their options and list groups as Kafka's tools do; all other actions report that the broker has no such groups.
 */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import {
  bracketed,
  checkRequired,
  type Options,
  type OptionTable,
  parseOptions,
} from '../arguments/options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { listAllGroups } from '../cluster/group-requests.ts';
import { failureOf } from '../text/command-failure.ts';
import { hintLine } from '../hint.ts';
import { columnWidth, formatRow } from '../text/text-table.ts';
import { type CliIo, ToolError } from '../tool.ts';

export interface GroupKind {
  /** `share` or `streams`. */
  readonly name: string;
  /** The type of the groups as in ListGroups responses. */
  readonly type: string;
  readonly intro: string;
  readonly table: OptionTable;
  readonly states: readonly string[];
  /** The error message when the command line has no action, or several. */
  readonly noAction: string;
  /** Options that say what the new offsets are. Exactly one must be given. */
  readonly resets: readonly string[];
  /** Options that select topics. Exactly one must be given. */
  readonly scopes: readonly string[];
  /** The API that describes such groups, which the error message names because the broker lacks it. */
  readonly describeApi: string;
  /** The exit status when an action fails. */
  readonly failureStatus: number;
  readonly deleteFailure: (group: string) => string;
  /** Returns what is wrong with the options of --delete-offsets; null when nothing is wrong. */
  readonly deleteOffsetsProblem: (options: Options) => string | null;
}

const actions = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets'];

/** Returns the line that follows Kafka's error message. */
export function noneHere(kind: string): string {
  return hintLine(
    `kafka-${kind}-groups`,
    `Brokers of Bendemann have no ${kind} groups: see Limits in README.md. Against a broker of Apache Kafka use Apache Kafka's own tool.`,
  );
}

export async function runGroupsTool(kind: GroupKind, args: readonly string[], io: CliIo): Promise<number> {
  const options = usageError(kind.table, () => parseOptions(kind.table, args));
  const status = printHelpOrVersion(options, args, kind.intro, kind.table, io);
  if (status !== null) return status;
  const action = usageError(kind.table, () => checkedAction(kind, options));
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') as string,
    settings: clientSettings(options.text('command-config')),
  });
  try {
    return await perform(kind, action, client, options, io);
  } catch (error) {
    if (error instanceof ToolError) throw error;
    const failure = failureOf(error);
    io.stdout(`\nError: Executing ${kind.name} group command failed due to ${failure.message}\n`);
    io.stderr(`${failure.exception}\n`);
    return kind.failureStatus;
  } finally {
    client.close();
  }
}

function checkedAction(kind: GroupKind, options: Options): string {
  const given = actions.filter((action) => options.has(action));
  const [action] = given;
  const count = (names: readonly string[]): number => names.filter((name) => options.has(name)).length;
  const problem = (text: string): never => {
    throw new ToolError(text);
  };
  checkRequired(options, 'bootstrap-server');
  const groups = ['all-groups', 'group'];
  if (options.has('describe')) {
    if (count(groups) !== 1) problem(`Option [describe] takes one of these options: ${bracketed(groups)}`);
    const parts = ['members', 'offsets', 'state'];
    if (count(parts) > 1)
      problem(`Option [describe] takes at most one of these options: ${bracketed(parts)}`);
  }
  if (options.has('delete') && count(groups) !== 1)
    problem(`Option [delete] takes one of these options: ${bracketed(groups)}`);
  if (options.has('delete-offsets')) {
    const wrong = kind.deleteOffsetsProblem(options);
    if (wrong !== null) problem(wrong);
  }
  if (options.has('reset-offsets')) {
    if (count(['execute', 'dry-run']) !== 1 && !options.has('export'))
      problem('Option [reset-offsets] takes the option: [execute] or [dry-run]');
    if (count(groups) !== 1) problem(`Option [reset-offsets] takes the option: [group]`);
    if (count(kind.resets) !== 1)
      problem(`Option [reset-offsets] takes one of these options: ${bracketed(kind.resets)}`);
    if (kind.name === 'share' && count(kind.scopes) !== 1)
      problem(`Option [reset-offsets] takes one of these options: ${bracketed(kind.scopes)}`);
  }
  if (action === undefined || given.length > 1) return problem(kind.noAction);
  return action;
}

async function perform(
  kind: GroupKind,
  action: string,
  client: KafkaClient,
  options: Options,
  io: CliIo,
): Promise<number> {
  if (action === 'list') {
    await list(kind, client, options, io);
    return 0;
  }
  const known = (await listAllGroups(client, [], [kind.type])).map(({ groupId }) => groupId);
  const named = options.has('all-groups') ? known : [...new Set(options.all('group'))];
  if (action === 'delete') {
    deleteGroups(kind, named, known, io);
    return 0;
  }
  if (named.length === 0) return 0;
  if (kind.name === 'share' && action === 'delete-offsets') {
    deleteShareOffsets(options, io);
    return 0;
  }
  const why = `The node does not support ${kind.describeApi}`;
  const exception = `org.apache.kafka.common.errors.UnsupportedVersionException: ${why}`;
  const cause = action === 'describe' ? exception : `java.util.concurrent.ExecutionException: ${exception}`;
  if (kind.name === 'share' && action === 'reset-offsets')
    throw new ToolError(`${why}\n${noneHere(kind.name)}`);
  io.stdout(`\nError: Executing ${kind.name} group command failed due to ${cause}\n`);
  io.stderr(
    `${action === 'describe' ? `java.util.concurrent.ExecutionException: ${exception}` : `java.lang.RuntimeException: ${cause}`}\n`,
  );
  io.stderr(noneHere(kind.name));
  return kind.failureStatus;
}

function deleteGroups(kind: GroupKind, named: readonly string[], known: readonly string[], io: CliIo): void {
  const strange = named.filter((group) => !known.includes(group));
  if (strange.length === 0) {
    io.stdout(
      `Deletion of requested ${kind.name} groups (${named.map((one) => `'${one}'`).join(', ')}) was successful.\n`,
    );
    return;
  }
  const rows = strange.map(
    (group) =>
      `* Group '${group}' could not be deleted due to: java.lang.IllegalArgumentException: ${kind.deleteFailure(group)}\n`,
  );
  io.stdout(`\nError: Deletion of some ${kind.name} groups failed:\n${rows.join('')}`);
}

function deleteShareOffsets(options: Options, io: CliIo): void {
  const why = 'The node does not support DELETE_SHARE_GROUP_OFFSETS';
  const exception = `org.apache.kafka.common.errors.UnsupportedVersionException: ${why}`;
  io.stdout(`\nError: Encounter some unknown error: ${exception}\n\n`);
  const topics = options.all('topic');
  const width = columnWidth(15, topics);
  io.stdout(`${formatRow([width], ['TOPIC', 'STATUS'])}\n`);
  for (const topic of topics) io.stdout(`${formatRow([width], [topic, `Error: ${why}`])}\n`);
  io.stderr(noneHere('share'));
}

/** Returns the states that `--state` names, in Kafka's spelling. */
function statesOf(kind: GroupKind, options: Options): readonly string[] {
  const text = options.text('state');
  if (text === null) return [];
  return text.split(',').map((one) => {
    const state = kind.states.find((known) => known.toLowerCase() === one.trim().toLowerCase());
    if (state === undefined)
      throw new ToolError(`Invalid state list '${text}'. Valid states are: ${kind.states.join(', ')}`);
    return state;
  });
}

async function list(kind: GroupKind, client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const groups = await listAllGroups(client, statesOf(kind, options), [kind.type]);
  if (!options.has('state')) {
    for (const { groupId } of groups) io.stdout(`${groupId}\n`);
    return;
  }
  const width = columnWidth(
    15,
    groups.map(({ groupId }) => groupId),
  );
  for (const [group, state] of [['GROUP', 'STATE'], ...groups.map((one) => [one.groupId, one.state])])
    io.stdout(`${formatRow([width], [group as string])} ${state}\n`);
}
