/**
 * kafka-storage: makes cluster ids, formats directories, and shows which are formatted. Each subcommand loads its modules only
 * when it is used, so that `random-uuid`, for which scripts wait, is fast.
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
  help: 'The Kafka configuration file to use.',
};

const parser: ToolParser = {
  prog: 'kafka-storage',
  description: 'The Kafka storage tool.',
  subcommands: {
    info: {
      help: 'Get information about the Kafka log directories on this node.',
      arguments: [configArgument],
    },
    format: {
      help: 'Format the Kafka log directories on this node.',
      arguments: [
        configArgument,
        {
          flags: ['--cluster-id', '-t'],
          isRequired: true,
          help: 'The cluster ID to use.',
        },
        {
          flags: ['--add-scram', '-S'],
          kind: 'list',
          help: 'A SCRAM_CREDENTIAL to add to the __cluster_metadata log e.g.\n\'SCRAM-SHA-256=[name=alice,password=alice-\nsecret]\'\n\'SCRAM-SHA-512=[name=alice,iterations=8192,salt="\nN3E=",saltedpassword="YCE="]\'',
        },
        {
          flags: ['--ignore-formatted', '-g'],
          kind: 'flag',
          help: 'When this option is passed, the format command will skip over already formatted directories rather than failing.',
        },
        {
          flags: ['--release-version', '-r'],
          help: 'The release version to use for the initial feature settings. The minimum is 3.3-IV3; the default is 4.3-IV0',
        },
        {
          flags: ['--feature', '-f'],
          kind: 'list',
          help: 'The setting to use for a specific feature, in feature=level format. For example: `kraft.version=1`.',
        },
        {
          flags: ['--standalone', '-s'],
          kind: 'flag',
          group: 'quorum',
          help: 'Used to initialize a controller as a single-node dynamic quorum. When setting this flag, the controller.quorum.voters config must not be set, and controller.quorum.bootstrap.servers is set instead.',
        },
        {
          flags: ['--no-initial-controllers', '-N'],
          kind: 'flag',
          group: 'quorum',
          help: 'Used to initialize a server without specifying a dynamic quorum. When setting this flag, the controller.quorum.voters config should not be set, and controller.quorum.bootstrap.servers is set instead.',
        },
        {
          flags: ['--initial-controllers', '-I'],
          group: 'quorum',
          help: 'Used to initialize a server with the specified dynamic quorum. The argument is a comma-separated list of id@hostname:port:directory. The same values must be used to format all nodes. For example:\n0@example.com:8082:JEXY6aqzQY-32P5TStzaFg,\n1@example.com:8083:MvDxzVmcRsaTz33bUuRU6A,\n2@example.com:8084:07R5amHmR32VDA6jHkGbTA\n. When setting this flag, the controller.quorum.voters config must not be set, and controller.quorum.bootstrap.servers is set instead.',
        },
      ],
    },
    'version-mapping': {
      help: 'Look up the corresponding features for a given metadata version. Using the command with no --release-version  argument will return the mapping for the latest stable metadata version',
      arguments: [
        {
          flags: ['--release-version', '-r'],
          help: 'The release version to use for the corresponding feature mapping. The minimum is 3.3-IV3; the default is 4.3-IV0',
        },
      ],
    },
    'feature-dependencies': {
      help: 'Look up dependencies for a given feature version. If the feature is not known or the version not yet defined, an error is thrown. Multiple features can be specified.',
      arguments: [
        {
          flags: ['--feature', '-f'],
          isRequired: true,
          kind: 'list',
          help: 'The features and their versions to look up dependencies for, in feature=version format. For example: `metadata.version=5`.',
        },
      ],
    },
    'random-uuid': { help: 'Print a random UUID.', arguments: [] },
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
