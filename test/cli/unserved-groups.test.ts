/** The tools of share and streams groups, as far as they need no broker. */
import { expect, test } from 'vitest';
import { main as shareConsumer } from '../../src/cli/share-groups/kafka-console-share-consumer.ts';
import { main as shareGroups } from '../../src/cli/share-groups/kafka-share-groups.ts';
import { main as streamsGroups } from '../../src/cli/share-groups/kafka-streams-groups.ts';
import type { CliIo, ToolMain } from '../../src/cli/tool.ts';

const io = { stdout: () => {}, stderr: () => {} } as unknown as CliIo;
const server = ['--bootstrap-server', 'h:1'];

/** The first line of what the tool says is wrong. */
async function problem(main: ToolMain, words: string): Promise<string> {
  const failure = main([...server, ...words.split(' ').filter((word) => word !== '')], io).then(
    () => new Error('nothing'),
    (error: Error) => error,
  );
  return (await failure).message.split('\n')[0] as string;
}

test.each([
  [
    '',
    'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets.',
  ],
  ['--list --describe', 'Option [describe] takes one of these options: [all-groups], [group]'],
  [
    '--describe --group x --members --state',
    'Option [describe] takes at most one of these options: [members], [offsets], [state]',
  ],
  ['--delete', 'Option [delete] takes one of these options: [all-groups], [group]'],
  ['--delete-offsets --group x', 'Option [delete-offsets] takes the following options: [group], [topic]'],
  [
    '--reset-offsets --group x --topic t --to-latest',
    'Option [reset-offsets] takes the option: [execute] or [dry-run]',
  ],
  [
    '--reset-offsets --group x --topic t --dry-run',
    'Option [reset-offsets] takes one of these options: [to-datetime], [to-earliest], [to-latest]',
  ],
  [
    '--reset-offsets --group x --to-latest --dry-run',
    'Option [reset-offsets] takes one of these options: [all-topics], [topic]',
  ],
])('kafka-share-groups %s', async (words, wanted) => {
  expect(await problem(shareGroups, words)).toBe(wanted);
});

test.each([
  [
    '',
    'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, or --delete-offsets.',
  ],
  [
    '--delete-offsets --group x',
    'Option [delete-offsets] takes the [group] and one of these options: [all-input-topics], [input-topic]',
  ],
])('kafka-streams-groups %s', async (words, wanted) => {
  expect(await problem(streamsGroups, words)).toBe(wanted);
});

test.each([
  ['', '--topic is a required argument'],
  ['--topic t --reject --release', 'At most one of --reject and --release may be specified.'],
  [
    '--topic t --property a=b --formatter-property c=d',
    'Options --property and --formatter-property cannot be specified together.',
  ],
  [
    '--topic t',
    'The node does not support SHARE_GROUP_HEARTBEAT: The cluster does not support the share group protocol using ShareGroupHeartbeat API.',
  ],
])('kafka-console-share-consumer %s', async (words, wanted) => {
  expect(await problem(shareConsumer, words)).toBe(wanted);
});
