import { describe, expect, test } from 'vitest';
import { HelpRequest, parseArguments, type ToolParser, wrap } from '../../src/cli/arguments/argparse.ts';

// Expected texts are what Apache Kafka 4.3.1's tools print for their own command lines.
const parser: ToolParser = {
  prog: 'kafka-storage',
  description: 'The Kafka storage tool.',
  subcommands: {
    info: {
      help: '',
      arguments: [
        { flags: ['--config', '-c'], isRequired: true, help: 'The Kafka configuration file to use.' },
      ],
    },
    format: {
      help: '',
      arguments: [
        { flags: ['--config', '-c'], isRequired: true, help: 'The Kafka configuration file to use.' },
        { flags: ['--cluster-id', '-t'], isRequired: true, help: 'The cluster ID to use.' },
        { flags: ['--add-scram', '-S'], kind: 'list', help: '' },
        { flags: ['--ignore-formatted', '-g'], kind: 'flag', help: '' },
        { flags: ['--release-version', '-r'], help: '' },
        { flags: ['--feature', '-f'], kind: 'list', help: '' },
        { flags: ['--standalone', '-s'], kind: 'flag', group: 'quorum', help: '' },
        { flags: ['--no-initial-controllers', '-N'], kind: 'flag', group: 'quorum', help: '' },
        { flags: ['--initial-controllers', '-I'], group: 'quorum', help: '' },
      ],
    },
    'version-mapping': { help: '', arguments: [{ flags: ['--release-version', '-r'], help: '' }] },
    'feature-dependencies': { help: '', arguments: [] },
    'random-uuid': { help: 'Print a random UUID.', arguments: [] },
  },
};
const formatUsage = `usage: kafka-storage format [-h] --config CONFIG --cluster-id CLUSTER_ID
                     [--add-scram ADD_SCRAM] [--ignore-formatted]
                     [--release-version RELEASE_VERSION]
                     [--feature FEATURE] [--standalone |
                     --no-initial-controllers |
                     --initial-controllers INITIAL_CONTROLLERS]
`;
const said = (...args: string[]): string => {
  try {
    parseArguments(parser, args);
  } catch (error) {
    return (error as Error).message;
  }
  return 'fine';
};

test('short and long options are parsed, with and without an equals sign; the last value of an option counts', () => {
  const parsed = parseArguments(parser, [
    'format',
    '-c',
    'f',
    '-t=-abc',
    '--feature',
    'a=1',
    '-fb=2',
    '-s',
    '--release-version=1',
    '-r',
    '2',
  ]);
  expect([parsed.command, parsed.text('config'), parsed.text('cluster-id'), parsed.all('feature')]).toEqual([
    'format',
    'f',
    '-abc',
    ['a=1', 'b=2'],
  ]);
  expect([parsed.has('standalone'), parsed.has('ignore-formatted'), parsed.text('release-version')]).toEqual([
    true,
    false,
    '2',
  ]);
});

describe('the error for the command line', () => {
  test.each([
    [['format', '-c', 'x'], `${formatUsage}kafka-storage: error: argument --cluster-id/-t is required`],
    [
      ['format', '-t', '-abc', '-c', 'x'],
      `${formatUsage}kafka-storage: error: argument --cluster-id/-t: expected one argument`,
    ],
    [
      ['format', '-t', 'a', '-c', 'x', '-s', '-N'],
      `${formatUsage}kafka-storage: error:  argument  --no-initial-controllers/-N:  not  allowed\nwith argument --standalone/-s`,
    ],
    [
      ['format', '-t', 'a', '-c', 'x', '--foo'],
      `${formatUsage}kafka-storage: error: unrecognized arguments: '--foo'`,
    ],
    [
      ['format', '-t', 'a', '-c', 'x', 'extra'],
      `${formatUsage}kafka-storage: error: unrecognized arguments: 'extra'`,
    ],
    [
      ['version-mapping', '-r'],
      `usage: kafka-storage version-mapping [-h]\n                     [--release-version RELEASE_VERSION]\nkafka-storage: error: argument --release-version/-r: expected one argument`,
    ],
    [
      [],
      `usage: kafka-storage [-h]\n                     {info,format,version-mapping,feature-dependencies,random-uuid}\n                     ...\nkafka-storage: error: too few arguments`,
    ],
  ])('%j', (args, text) => {
    expect(said(...args)).toBe(text);
  });
});

test('--help shows the help of the tool or of the subcommand', () => {
  expect(() => parseArguments(parser, ['info', '--help'])).toThrow(HelpRequest);
  expect(said('info', '-h')).toBe(`usage: kafka-storage info [-h] --config CONFIG

optional arguments:
  -h, --help             show this help message and exit
  --config CONFIG, -c CONFIG
                         The Kafka configuration file to use.
`);
  expect(said('--help')).toContain('    random-uuid          Print a random UUID.\n');
});

test('long texts are justified as by argparse4j', () => {
  const indent = ' '.repeat(25);
  const text =
    'Look up dependencies for a given feature version. If the feature is not known or the version not yet defined, an error is thrown. Multiple features can be specified.';
  expect(wrap(text, 25, indent)).toBe(
    [
      'Look up dependencies for  a given feature version.',
      'If the feature is  not  known  or  the version not',
      'yet  defined,  an   error   is   thrown.  Multiple',
      'features can be specified.',
    ].join(`\n${indent}`),
  );
});

test('the usage has the required options of the tool first and groups last; the error names the last missing argument', () => {
  const quorum: ToolParser = {
    prog: 'kafka-metadata-quorum',
    description: '',
    arguments: [
      { flags: ['--bootstrap-server'], group: 'bootstrap', help: '' },
      { flags: ['--bootstrap-controller'], group: 'bootstrap', help: '' },
      { flags: ['--command-config'], help: '' },
    ],
    requiredGroups: ['bootstrap'],
    subcommands: {
      'remove-controller': {
        help: '',
        arguments: [
          { flags: ['--controller-id', '-i'], isRequired: true, help: '' },
          { flags: ['--controller-directory-id', '-d'], isRequired: true, help: '' },
          { flags: ['--dry-run'], kind: 'flag', help: '' },
        ],
      },
    },
  };
  expect(() => parseArguments(quorum, ['--bootstrap-server', 'a:1', 'remove-controller'])).toThrow(
    `usage: kafka-metadata-quorum (--bootstrap-server BOOTSTRAP_SERVER |
                             --bootstrap-controller BOOTSTRAP_CONTROLLER)
                             remove-controller [-h]
                             --controller-id CONTROLLER_ID
                             --controller-directory-id CONTROLLER_DIRECTORY_ID
                             [--dry-run]
kafka-metadata-quorum:  error:  argument   --controller-directory-id/-d  is
required`,
  );
  expect(() => parseArguments(quorum, [])).toThrow(
    'usage: kafka-metadata-quorum [-h] [--command-config COMMAND_CONFIG]\n                             (--bootstrap-server',
  );
});

test('a long flag may be abbreviated while only one flag begins so', () => {
  const parsed = parseArguments(parser, ['format', '--conf', 'f', '--cluster=x', '--feat', 'a=1']);
  expect([parsed.text('config'), parsed.text('cluster-id'), parsed.all('feature')]).toEqual([
    'f',
    'x',
    ['a=1'],
  ]);
  expect(said('format', '--c', 'f')).toMatch(
    /ambiguous\s+option:\s+--c\s+could\s+match\s+--cluster-id,\s+--\s*config/,
  );
  expect(() => parseArguments(parser, ['info', '--he'])).toThrow(HelpRequest);
});
