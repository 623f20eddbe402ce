import { describe, expect, test } from 'vitest';
import { describeGroups } from '../../src/cli/groups/kafka-consumer-groups-describe.ts';
import {
  checkGroupsOptions,
  consumerGroupsOptions,
} from '../../src/cli/groups/kafka-consumer-groups-options.ts';
import { resetOffsets } from '../../src/cli/groups/kafka-consumer-groups-reset.ts';
import { type Options, parseOptions } from '../../src/cli/arguments/options.ts';
import type { KafkaClient } from '../../src/client/kafka-client.ts';
import { encode } from '../../src/protocol/codec/codec.ts';
import { Errors } from '../../src/protocol/errors.ts';
import { ConsumerProtocolAssignment } from '../../src/protocol/messages/stored/group-records.ts';
import { encodeVersioned } from '../../src/protocol/records/versioned.ts';

const options = (line: string): Options =>
  parseOptions(consumerGroupsOptions, ['--bootstrap-server', 'h:1', ...line.split(' ')]);

function printed() {
  const out = { stdout: '', stderr: '' };
  const io = {
    stdout: (text: string | Uint8Array): void => {
      out.stdout += String(text);
    },
    stderr: (text: string): void => {
      out.stderr += text;
    },
    stdinLines: async function* (): AsyncGenerator<string> {},
    isStdinTerminal: false,
    env: {},
    onSignal: () => () => {},
  };
  return { out, io };
}

describe('combinations of options', () => {
  test.each([
    ['--describe', 'Option [describe] takes one of these options: [all-groups], [group]'],
    [
      '--describe --group g --members --state',
      'Option [describe] takes at most one of these options: [members], [offsets], [state]',
    ],
    ['--list --delete --group g', 'Option "[group]" can\'t be used with option "[list]"'],
    ['--delete-offsets --group g', 'Option [delete-offsets] takes the following options: [group], [topic]'],
    [
      '--reset-offsets --group g --to-earliest --to-latest',
      'Option "[to-earliest]" can\'t be used with option "[to-latest]"',
    ],
    ['--state', 'Command must include exactly one action'],
  ])('%s is refused: %s', (line, message) => {
    expect(() => checkGroupsOptions(options(line), () => {})).toThrow(message);
  });

  test('a reset without --execute causes a warning', () => {
    let warning = '';
    const action = checkGroupsOptions(
      options('--reset-offsets --group g --topic t --to-earliest'),
      (text) => {
        warning = text;
      },
    );
    expect(action).toBe('reset-offsets');
    expect(warning).toContain('No action will be performed as the --execute option is missing');
  });
});

/** A cluster of one node with one group, in so far as the commands ask. */
function fakeClient(state: string, members: readonly unknown[], commits: unknown[] = []): KafkaClient {
  const answers: Record<string, (init: never) => unknown> = {
    ConsumerGroupDescribeRequest: () => ({ groups: [{ errorCode: Errors.GROUP_ID_NOT_FOUND.code }] }),
    DescribeGroupsRequest: () => ({
      groups: [{ errorCode: 0, groupState: state, protocolData: 'range', members }],
    }),
    OffsetFetchRequest: () => ({
      groups: [
        {
          errorCode: 0,
          topics: [
            {
              name: 't',
              partitions: [{ partitionIndex: 0, committedOffset: 4, committedLeaderEpoch: -1, errorCode: 0 }],
            },
          ],
        },
      ],
    }),
    ListOffsetsRequest: (init: {
      topics: { name: string; partitions: { partitionIndex: number; timestamp: number }[] }[];
    }) => ({
      topics: init.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          errorCode: 0,
          offset: timestamp === -2 ? 2 : 10,
        })),
      })),
    }),
    OffsetCommitRequest: (init) => {
      commits.push(init);
      return { topics: [] };
    },
  };
  const ask = (request: { name: string }, _response: unknown, init: never): Promise<unknown> => {
    const answer = answers[request.name];
    return answer === undefined ? Promise.reject(new Error(request.name)) : Promise.resolve(answer(init));
  };
  const partitions = [0, 1].map((index) => ({ index, leader: 1 }));
  const client = {
    ports: { clock: { monotonicMs: () => 0, wallMs: () => 0 }, scheduler: {} },
    coordinator: () => Promise.resolve(1),
    broker: () => Promise.resolve({ versionOf: () => 9, request: ask }),
    requestTo: (_node: number, request: { name: string }, response: unknown, init: never) =>
      ask(request, response, init),
    metadata: () =>
      Promise.resolve({
        brokers: new Map([[1, { host: 'localhost', port: 9092 }]]),
        topics: new Map([['t', { name: 't', errorCode: 0, partitions }]]),
      }),
  };
  return client as unknown as KafkaClient;
}

const member = {
  memberId: 'm-1',
  groupInstanceId: null,
  clientId: 'c',
  clientHost: '/127.0.0.1',
  memberAssignment: encodeVersioned(
    0,
    encode(ConsumerProtocolAssignment, 0, {
      assignedPartitions: [{ topic: 't', partitions: [1] }],
      userData: null,
    }),
  ),
};

describe('kafka-consumer-groups', () => {
  test('describes the offsets of partitions with and without a member', async () => {
    const { out, io } = printed();
    await describeGroups(fakeClient('Stable', [member]), options('--describe --group g'), io);
    expect(out.stdout.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
      '',
      'GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID',
      'g t 0 4 10 6 - - -',
      'g t 1 - 10 - m-1 /127.0.0.1 c',
      '',
    ]);
    expect(out.stderr).toBe('');
  });

  test('says that a group has no active members', async () => {
    const { out, io } = printed();
    await describeGroups(fakeClient('Empty', []), options('--describe --group g --state'), io);
    expect(out.stderr).toBe("\nConsumer group 'g' has no active members.\n");
    expect(out.stdout).toContain('localhost:9092  (1)');
  });

  test('plans a reset within the log and commits it only with --execute', async () => {
    const commits: unknown[] = [];
    const { out, io } = printed();
    const line = '--reset-offsets --group g --topic t:0 --shift-by -9';
    await resetOffsets(fakeClient('Empty', [], commits), options(`${line} --dry-run`), io);
    expect(out.stdout).toMatch(/\ng +t +0 +2\n$/);
    expect(out.stderr).toContain(
      'lower than earliest offset for topic partition t-0. Value will be set to 2',
    );
    expect(commits).toEqual([]);
    await resetOffsets(fakeClient('Empty', [], commits), options(`${line} --execute`), io);
    expect(commits).toMatchObject([
      { groupId: 'g', topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 2 }] }] },
    ]);
  });

  test('does not reset a group with members', async () => {
    const { out, io } = printed();
    const line = '--reset-offsets --group g --topic t --to-latest --execute';
    await resetOffsets(fakeClient('Stable', [member]), options(line), io);
    expect(out.stdout).toContain(
      "Error: Assignments can only be reset if the group 'g' is inactive, but the current state is Stable.",
    );
  });

  test('exports offsets in the format that --from-file reads', async () => {
    const { out, io } = printed();
    const line = '--reset-offsets --group g --topic t --to-latest --export --dry-run';
    await resetOffsets(fakeClient('Empty', []), options(line), io);
    expect(out.stdout).toBe('t,0,10\nt,1,10\n\n');
  });
});
