/** kafka-share-groups: the tool for share groups (KIP-932). `unserved-groups.ts` says what it does here. */
import { bracketed } from '../arguments/options.ts';
import type { CliIo } from '../tool.ts';
import { shareGroupsOptions } from './kafka-share-groups-options.ts';
import { type GroupKind, runGroupsTool } from './unserved-groups.ts';

const kind: GroupKind = {
  name: 'share',
  type: 'Share',
  intro: 'This tool helps to list, describe, reset and delete share groups.',
  table: shareGroupsOptions,
  states: ['Empty', 'Dead', 'Stable'],
  noAction:
    'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets.',
  resets: ['to-datetime', 'to-earliest', 'to-latest'],
  scopes: ['all-topics', 'topic'],
  describeApi: 'SHARE_GROUP_DESCRIBE',
  failureStatus: 0,
  deleteFailure: (group) => `Group '${group}' is not a share group.`,
  deleteOffsetsProblem: (options) =>
    options.has('group') && options.has('topic')
      ? null
      : `Option [delete-offsets] takes the following options: ${bracketed(['group', 'topic'])}`,
};

export function main(args: readonly string[], io: CliIo): Promise<number> {
  return runGroupsTool(kind, args, io);
}
