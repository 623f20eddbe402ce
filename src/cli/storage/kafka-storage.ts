/**
 * kafka-storage: ids for new clusters, formatting of directories, and what is in them. Each subcommand loads its own part
 * when it is asked for, because scripts wait for `random-uuid`.
 */
import { systemClock } from '../../adapters/clock.ts';
import { systemFileSystem } from '../../adapters/file-system.ts';
import { createSystemRandom } from '../../adapters/random.ts';
import { randomUuid } from '../../base/uuid.ts';
import type { NodeConfig } from '../../config/node-config.ts';
import { type Argument, type Parsed, parseArguments, type ToolParser } from '../arguments/argparse.ts';
import { withNodeProperties } from '../node/node-properties.ts';
import type { CliIo } from '../tool.ts';

const configArgument: Argument = {
  flags: ['--config', '-c'],
  isRequired: true,
  help: 'The properties file of the node.',
};

const parser: ToolParser = {
  prog: 'kafka-storage',
  description: 'The Kafka storage tool.',
  subcommands: {
    info: { help: 'Show what is in the directories of this node.', arguments: [configArgument] },
    format: {
      help: 'Make the directories of this node ready for a cluster.',
      arguments: [
        configArgument,
        {
          flags: ['--cluster-id', '-t'],
          isRequired: true,
          help: 'The id of the cluster; random-uuid makes one.',
        },
        {
          flags: ['--add-scram', '-S'],
          kind: 'list',
          help: 'A user that exists from the first start on, such as \'SCRAM-SHA-256=[name=alice,password=alice-secret]\' or \'SCRAM-SHA-512=[name=alice,iterations=8192,salt="N3E=",saltedpassword="YCE="]\'.',
        },
        {
          flags: ['--ignore-formatted', '-g'],
          kind: 'flag',
          help: 'Leave directories alone that are formatted already, instead of failing.',
        },
        {
          flags: ['--release-version', '-r'],
          help: 'The release whose feature levels the cluster begins with, from 3.3-IV3 on; 4.3-IV0 when not given.',
        },
        {
          flags: ['--feature', '-f'],
          kind: 'list',
          help: 'The level of one feature, as feature=level, such as `group.version=1`.',
        },
        {
          flags: ['--standalone', '-s'],
          kind: 'flag',
          group: 'quorum',
          help: 'This controller is the only voter of a new dynamic quorum. controller.quorum.voters must not be set.',
        },
        {
          flags: ['--no-initial-controllers', '-N'],
          kind: 'flag',
          group: 'quorum',
          help: 'This node joins a dynamic quorum that other nodes begin.',
        },
        {
          flags: ['--initial-controllers', '-I'],
          group: 'quorum',
          help: 'The voters of a new dynamic quorum, the same list on every node: id@host:port:directoryId, separated by commas. controller.quorum.voters must not be set.',
        },
      ],
    },
    'version-mapping': {
      help: 'Show the feature levels of a release.',
      arguments: [
        { flags: ['--release-version', '-r'], help: 'The release, from 3.3-IV3 on; 4.3-IV0 when not given.' },
      ],
    },
    'feature-dependencies': {
      help: 'Show what a feature level needs.',
      arguments: [
        {
          flags: ['--feature', '-f'],
          isRequired: true,
          kind: 'list',
          help: 'The feature and its level, as feature=level.',
        },
      ],
    },
    'random-uuid': { help: 'Print a new random id.', arguments: [] },
  },
};

async function readConfig(parsed: Parsed, { env }: CliIo): Promise<NodeConfig> {
  const { NodeConfig } = await import('../../config/node-config.ts');
  const file = parsed.text('config') as string;
  return withNodeProperties(file, new Map(), env, (properties) => new NodeConfig(properties));
}

async function runFormat(parsed: Parsed, io: CliIo): Promise<number> {
  const options = {
    config: await readConfig(parsed, io),
    clusterId: parsed.text('cluster-id') as string,
    ignoreFormatted: parsed.has('ignore-formatted'),
    release: parsed.text('release-version'),
    features: parsed.all('feature'),
    scram: parsed.all('add-scram'),
    isStandalone: parsed.has('standalone'),
    noInitialControllers: parsed.has('no-initial-controllers'),
    initialControllers: parsed.text('initial-controllers'),
  };
  const { format } = await import('./format.ts');
  const print = (line: string): void => io.stdout(`${line}\n`);
  await format(options, { fs: systemFileSystem, clock: systemClock, random: createSystemRandom(), print });
  return 0;
}

async function runInfo(parsed: Parsed, io: CliIo): Promise<number> {
  const config = await readConfig(parsed, io);
  const { directoriesOf, infoText, inspect } = await import('./directories.ts');
  const states = await Promise.all(directoriesOf(config).map((path) => inspect(systemFileSystem, path)));
  const { text, hasProblems } = infoText(states);
  io.stdout(text);
  return hasProblems ? 1 : 0;
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const parsed = parseArguments(parser, args);
  switch (parsed.command) {
    case 'format':
      return runFormat(parsed, io);
    case 'info':
      return runInfo(parsed, io);
    case 'version-mapping': {
      const { versionMapping } = await import('./features.ts');
      io.stdout(versionMapping(parsed.text('release-version')));
      return 0;
    }
    case 'feature-dependencies': {
      const { featureDependencies } = await import('./features.ts');
      io.stdout(featureDependencies(parsed.all('feature')));
      return 0;
    }
    default:
      io.stdout(`${randomUuid(createSystemRandom())}\n`);
      return 0;
  }
}
