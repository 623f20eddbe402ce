/** kafka-features: shows, upgrades and downgrades the finalized feature levels of a cluster. */
import {
  HelpRequest,
  parseArguments,
  type Argument,
  type Parsed,
  type ToolParser,
} from '../arguments/argparse.ts';
import { bootstrapArguments, withClient } from '../arguments/admin-arguments.ts';
import { featureDependencies, versionMapping } from '../storage/features.ts';
import { type CliIo, ToolError } from '../tool.ts';

const dryRun = (what: string): Argument => ({ flags: ['--dry-run'], kind: 'flag', help: what });
const feature = (help: string): Argument => ({ flags: ['--feature'], kind: 'list', help });

const releaseHelp = (verb: string): string =>
  `The release version to ${verb} all features to. For example, 3.9-IV0 will set metadata.version=21 and kraft.version=1. Use the version-mapping command to learn which features will be set for any given version.`;

const parser: ToolParser = {
  prog: 'kafka-features',
  description: 'This tool manages feature flags in Kafka.',
  errorText: (message) => `Command line error: ${message}. Type --help for help.`,
  arguments: [
    ...bootstrapArguments(false, {
      server:
        'A comma-separated list of host:port pairs to use for establishing the connection to the Kafka cluster.',
      controller:
        'A comma-separated list of host:port pairs to use for establishing the connection to the KRaft quorum.',
    }),
    {
      flags: ['--command-config'],
      help: 'Property file containing configs to be passed to Admin Client.',
    },
  ],
  subcommands: {
    describe: {
      help: 'Describes the current active feature flags.',
      arguments: [
        {
          flags: ['--node-id'],
          help: 'The node id to which the requests should be sent. If not specified, the requests will be sent to an arbitrary controller/broker.',
        },
      ],
    },
    upgrade: {
      help: 'Upgrade one or more feature flags.',
      arguments: [
        {
          flags: ['--metadata'],
          help: 'DEPRECATED -- The level to which we should upgrade the metadata. For example, 3.3-IV3.',
        },
        { flags: ['--release-version'], help: releaseHelp('update') },
        feature(
          'A feature upgrade we should perform, in feature=level format. For example: `metadata.version=5`.',
        ),
        dryRun('Validate this upgrade, but do not perform it.'),
      ],
    },
    downgrade: {
      help: 'Downgrade one or more feature flags.',
      arguments: [
        {
          flags: ['--metadata'],
          help: 'DEPRECATED -- The level to which we should downgrade the metadata. For example, 3.3-IV0.',
        },
        { flags: ['--release-version'], help: releaseHelp('downgrade') },
        feature(
          'A feature downgrade we should perform, in feature=level format. For example: `metadata.version=5`.',
        ),
        {
          flags: ['--unsafe'],
          kind: 'flag',
          help: 'Perform this downgrade even if it may irreversibly destroy metadata.',
        },
        dryRun('Validate this downgrade, but do not perform it.'),
      ],
    },
    disable: {
      help: 'Disable one or more feature flags. This is the same as downgrading the version to zero.',
      arguments: [
        feature('A feature flag to disable.'),
        {
          flags: ['--unsafe'],
          kind: 'flag',
          help: 'Disable this feature flag even if it may irreversibly destroy metadata.',
        },
        dryRun('Perform a dry-run of this disable operation.'),
      ],
    },
    'version-mapping': {
      help: 'Look up the corresponding features for a given metadata version. Using the command with no --release-version  argument will return the mapping for the latest stable metadata version',
      arguments: [
        {
          flags: ['--release-version'],
          help: 'The release version to use for the corresponding feature mapping. The minimum is 3.3-IV3; the default is 4.3-IV0',
        },
      ],
    },
    'feature-dependencies': {
      help: 'Look up dependencies for a given feature version. If the feature is not known or the version not yet defined, an error is thrown. Multiple features can be specified.',
      arguments: [
        {
          flags: ['--feature'],
          isRequired: true,
          kind: 'list',
          help: 'The feature and version to look up dependencies for, in feature=version format. For example: `metadata.version=5`.',
        },
      ],
    },
  },
};

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  try {
    return await run(parseArguments(parser, args), io);
  } catch (error) {
    if (!(error instanceof HelpRequest)) throw error;
    io.stdout(error.message);
    return 0;
  }
}

async function run(parsed: Parsed, io: CliIo): Promise<number> {
  switch (parsed.command) {
    case 'version-mapping':
      io.stdout(versionMapping(parsed.text('release-version')));
      return 0;
    case 'feature-dependencies':
      io.stdout(featureDependencies(parsed.all('feature')));
      return 0;
  }
  if (!parsed.has('bootstrap-server') && !parsed.has('bootstrap-controller')) {
    const needed = 'You must specify either --bootstrap-controller or --bootstrap-server.';
    throw new ToolError(`Command line error: ${needed}. Type --help for help.`);
  }
  const { describeFeatures, updateFeatures } = await import('./kafka-features-requests.ts');
  return withClient(parsed, parsed.text('command-config'), io, (client) =>
    parsed.command === 'describe'
      ? describeFeatures(client, parsed.text('node-id'), io)
      : updateFeatures(client, parsed, io),
  );
}
