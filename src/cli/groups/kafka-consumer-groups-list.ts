/** `kafka-consumer-groups --list`: prints the names of groups, or a table with types and states. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { listGroups } from '../cluster/group-requests.ts';
import type { Options } from '../arguments/options.ts';
import { columnWidth, formatRow } from '../text/text-table.ts';
import { type CliIo, ToolError } from '../tool.ts';

const states = [
  'Assigning',
  'CompletingRebalance',
  'Dead',
  'Empty',
  'PreparingRebalance',
  'Reconciling',
  'Stable',
];
const types = ['Classic', 'Consumer'];

/** Returns the names in a comma-separated list, in Kafka's spelling. The list may use upper or lower case. */
function named(known: readonly string[], list: string, what: string): string[] {
  return list.split(',').map((one) => {
    const found = known.find((name) => name.toLowerCase() === one.trim().toLowerCase());
    if (found === undefined) {
      const [kind] = what.split(' ');
      const plural = kind === 'types' ? 'types' : 'states';
      throw new ToolError(`Invalid ${what} '${list}'. Valid ${plural} are: ${known.join(', ')}`);
    }
    return found;
  });
}

/** Returns the names of the groups that `--group` or `--all-groups` selects. */
export async function selectedGroups(client: KafkaClient, options: Options): Promise<readonly string[]> {
  if (!options.has('all-groups')) return [...new Set(options.all('group'))];
  return (await listGroups(client)).map(({ groupId }) => groupId);
}

export async function listGroupsCommand(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const hasType = options.has('type');
  const hasState = options.has('state');
  const wantedStates = options.text('state');
  const wantedTypes = options.text('type');
  const groups = await listGroups(
    client,
    wantedStates === null ? [] : named(states, wantedStates, 'state list'),
    wantedTypes === null ? [] : named(types, wantedTypes, 'types list'),
  );
  if (!hasType && !hasState) {
    for (const { groupId } of groups) io.stdout(`${groupId}\n`);
    return;
  }
  const idWidth =
    groups.length === 0
      ? 25
      : columnWidth(
          0,
          groups.map(({ groupId }) => groupId),
        ) + 10;
  const widths = [idWidth, 20, 20];
  const row = (group: string, type: string, state: string): void => {
    io.stdout(`${formatRow(widths, [group, ...(hasType ? [type] : []), ...(hasState ? [state] : [])])}\n`);
  };
  row('GROUP', 'TYPE', 'STATE');
  for (const { groupId, type, state } of groups) row(groupId, type, state);
}
