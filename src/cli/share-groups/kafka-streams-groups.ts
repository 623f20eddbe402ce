/**
 * kafka-streams-groups: the tool for groups of Kafka Streams applications (KIP-1071). `unserved-groups.ts` says what it does
 * here.
 */
import { bracketed } from '../arguments/options.ts';
import type { CliIo } from '../tool.ts';
import { streamsGroupsOptions } from './kafka-streams-groups-options.ts';
import { type GroupKind, runGroupsTool } from './unserved-groups.ts';

const scopes = ['all-input-topics', 'input-topic'];

const kind: GroupKind = {
  name: 'streams',
  type: 'Streams',
  intro: 'This tool helps to list, or describe streams groups.',
  table: streamsGroupsOptions,
  states: ['Reconciling', 'Stable', 'NotReady', 'Dead', 'Empty', 'Assigning'],
  noAction:
    'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, or --delete-offsets.',
  resets: [
    'by-duration',
    'from-file',
    'shift-by',
    'to-current',
    'to-datetime',
    'to-earliest',
    'to-latest',
    'to-offset',
  ],
  scopes,
  describeApi: 'STREAMS_GROUP_DESCRIBE',
  failureStatus: 1,
  deleteFailure: (group) => `Group '${group}' does not exist or is not a streams group.`,
  deleteOffsetsProblem: (options) =>
    options.has('group') && scopes.some((scope) => options.has(scope))
      ? null
      : `Option [delete-offsets] takes the [group] and one of these options: ${bracketed(scopes)}`,
};

export function main(args: readonly string[], io: CliIo): Promise<number> {
  return runGroupsTool(kind, args, io);
}
