import { describe, expect, test } from 'vitest';
import {
  configsToAdd,
  configsToDelete,
  parseCommand,
} from '../../src/cli/configs/kafka-configs-arguments.ts';
import { configsOptions } from '../../src/cli/configs/kafka-configs-options.ts';
import { doubleText } from '../../src/cli/text/java-double.ts';
import { type Options, parseOptions } from '../../src/cli/arguments/options.ts';

const options = (line: string): Options =>
  parseOptions(configsOptions, [
    '--bootstrap-server',
    'h:1',
    ...line.split(' ').filter((word) => word !== ''),
  ]);

describe('the command line', () => {
  test.each(
    [
      ['--describe --topic t', ['topics'], ['t']],
      ['--describe --entity-type topics', ['topics'], []],
      ['--describe --broker-defaults', ['brokers'], ['']],
      [
        '--describe --entity-type users --entity-default --entity-type clients --entity-name c',
        ['users', 'clients'],
        ['', 'c'],
      ],
      ['--describe --user u --client-defaults', ['users', 'clients'], ['u', '']],
    ].map(([line, types, names]) => ({ line: line as string, types, names })),
  )('$line names its entities', ({ line, types, names }) => {
    const command = parseCommand(options(line));
    // Options of single types come in a fixed order, whatever the order on the line.
    expect([...command.types].sort()).toEqual([...(types as string[])].sort());
    expect(command.names).toHaveLength((names as string[]).length);
    expect([...command.names].sort()).toEqual([...(names as string[])].sort());
  });

  test.each([
    ['--describe', 'At least one entity type must be specified'],
    ['--describe --entity-type planets', 'Invalid entity type planets'],
    ['--describe --topic t --broker 1', "Only 'users' and 'clients' entity types may be specified together"],
    ['--alter --entity-type brokers --entity-name one', 'must be a valid integer broker id, but it is: one'],
    [
      '--alter --entity-type topics --add-config a=b',
      'An entity name must be specified with --alter of topics',
    ],
    ['--alter --entity-type clients --add-config a=b', 'An entity-name or default entity must be specified'],
    ['--alter --topic t', 'At least one of --add-config, --add-config-file, or --delete-config'],
    ['--describe --entity-type topics --topic t', 'Duplicate entity type(s) specified: topics'],
  ])('%s is refused: %s', (line, message) => {
    expect(() => parseCommand(options(line))).toThrow(message);
  });

  test('without a server is refused', () => {
    const bare = parseOptions(configsOptions, ['--describe', '--entity-type', 'topics']);
    expect(() => parseCommand(bare)).toThrow('Either --bootstrap-server or --bootstrap-controller must be');
  });
});

describe('changed configurations', () => {
  test('may have values with commas in square brackets', () => {
    const line = '--alter --topic t --add-config a=1,b=[x,y=z],c=';
    expect([...configsToAdd(options(line))]).toEqual([
      ['a', '1'],
      ['b', 'x,y=z'],
      ['c', ''],
    ]);
    expect(() => configsToAdd(options('--alter --topic t --add-config a'))).toThrow('requirement failed');
  });

  test('may be deleted by a list of keys', () => {
    expect(configsToDelete(options('--alter --topic t --delete-config a,b.c'))).toEqual(['a', 'b.c']);
    expect(() => configsToDelete(options('--alter --topic t --delete-config a$'))).toThrow(
      'Invalid character',
    );
  });
});

test('numbers are printed as Java prints doubles', () => {
  expect([0, 1024, 0.5, 3e7, 12_345_678.5, 1e-4, -2].map(doubleText)).toEqual([
    ...['0.0', '1024.0', '0.5', '3.0E7', '1.23456785E7', '1.0E-4', '-2.0'],
  ]);
});
