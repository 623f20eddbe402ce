/** kafka-features without a cluster: mistakes in a command line, the requests, and how responses are printed. */
import { describe, expect, test } from 'vitest';
import type { Parsed } from '../../src/cli/arguments/argparse.ts';
import { main } from '../../src/cli/quorum/kafka-features.ts';
import { describeFeatures, updateFeatures } from '../../src/cli/quorum/kafka-features-requests.ts';
import type { CliIo } from '../../src/cli/tool.ts';
import { create, decode, encode } from '../../src/protocol/codec/codec.ts';
import { ApiVersionsResponse } from '../../src/protocol/messages/cluster/18-api-versions.ts';
import {
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../../src/protocol/messages/cluster/57-update-features.ts';
import type { Init } from '../../src/protocol/schema/fields.ts';

function testIo(): CliIo & { out: string } {
  const io = {
    out: '',
    stdout(text: string | Uint8Array): void {
      io.out += text;
    },
  };
  return io as unknown as CliIo & { out: string };
}

function parsed(command: string, options: Readonly<Record<string, readonly string[]>>): Parsed {
  return {
    command,
    has: (name) => name in options,
    text: (name) => options[name]?.at(-1) ?? null,
    all: (name) => options[name] ?? [],
  };
}

interface Sent {
  featureUpdates?: readonly { feature: string; maxVersionLevel: number; upgradeType?: number }[];
  validateOnly?: boolean;
}

/** Runs a command against a cluster that gives this answer; what was sent, what was printed, what was thrown. */
async function run(
  command: string,
  options: Readonly<Record<string, readonly string[]>>,
  answer: Init<typeof UpdateFeaturesResponse> = { errorCode: 0, errorMessage: null, results: [] },
) {
  const io = testIo();
  let sent: Sent = {};
  let thrown = '';
  const client = {
    request: async (request: typeof UpdateFeaturesRequest, _response: unknown, init: unknown) => {
      sent = decode(request, 2, encode(request, 2, init as Init<typeof UpdateFeaturesRequest>));
      return create(UpdateFeaturesResponse, answer);
    },
  };
  try {
    await updateFeatures(client as never, parsed(command, options), io);
  } catch (error) {
    thrown = (error as Error).message;
  }
  return { sent, out: io.out, thrown };
}

describe('the command line', () => {
  const server = ['--bootstrap-server', 'localhost:1'];
  test.each([
    [[], 'too few arguments'],
    [[...server, 'foo'], /^Command line error: invalid choice: 'foo' \(choose from 'describe', /],
    [[...server, 'upgrade', '--foo'], "unrecognized arguments: '--foo'"],
    [['feature-dependencies'], 'argument --feature is required'],
    [['describe'], 'You must specify either --bootstrap-controller or --bootstrap-server.'],
    [
      ['--bootstrap-controller', 'a:1', ...server, 'describe'],
      'argument --bootstrap-server: not allowed with argument --bootstrap-controller',
    ],
  ])('%j is refused', async (args, message) => {
    const text =
      typeof message === 'string' ? `Command line error: ${message}. Type --help for help.` : message;
    await expect(main(args, testIo())).rejects.toThrow(text);
  });

  test('version-mapping and feature-dependencies need no cluster', async () => {
    const io = testIo();
    await main(['version-mapping', '--release-version', '3.9-IV0'], io);
    await main(['feature-dependencies', '--feature', 'eligible.leader.replicas.version=1'], io);
    expect(io.out).toBe(
      'metadata.version=21 (3.9-IV0)\nkraft.version=1\ntransaction.version=0\ngroup.version=0\neligible.leader.replicas.version=0\nshare.version=0\nstreams.version=0\neligible.leader.replicas.version=1 requires:\n    metadata.version=23 (4.0-IV1)\n',
    );
  });
});

describe('updates of features', () => {
  test('are sent and reported in the order of their names', async () => {
    const { sent, out } = await run('upgrade', { feature: ['kraft.version=1', 'group.version=1'] });
    expect(sent.validateOnly).toBe(false);
    expect(sent.featureUpdates?.map((one) => [one.feature, one.maxVersionLevel, one.upgradeType])).toEqual([
      ['group.version', 1, 1],
      ['kraft.version', 1, 1],
    ]);
    expect(out).toBe('group.version was upgraded to 1.\nkraft.version was upgraded to 1.\n');
  });

  test('by --release-version contain all its features; an upgrade leaves out those that it would disable', async () => {
    const { sent } = await run('upgrade', { 'release-version': ['3.9'] });
    expect(sent.featureUpdates?.map((one) => `${one.feature}=${one.maxVersionLevel}`)).toEqual([
      'kraft.version=1',
      'metadata.version=21',
    ]);
    expect((await run('downgrade', { 'release-version': ['3.9'] })).sent.featureUpdates).toHaveLength(7);
  });

  test('may be downgrades, may disable a feature, and may be dry runs', async () => {
    const down = await run('downgrade', { feature: ['group.version=0'], unsafe: [] });
    expect([down.sent.featureUpdates?.[0]?.upgradeType, down.out]).toEqual([
      3,
      'group.version was downgraded to 0.\n',
    ]);
    const off = await run('disable', { feature: ['group.version'], 'dry-run': [] });
    expect([off.sent.featureUpdates?.[0]?.upgradeType, off.sent.validateOnly, off.out]).toEqual([
      2,
      true,
      'group.version can be disabled.\n',
    ]);
  });

  test('fail all with one error of the response, or each with its own', async () => {
    const all = { errorCode: 95, errorMessage: 'No.', results: [] };
    const feature = ['b=1', 'a=2'];
    expect(await run('upgrade', { feature }, all)).toMatchObject({
      out: 'Could not upgrade a to 2. No.\nCould not upgrade b to 1. No.\n',
      thrown: '2 out of 2 operation(s) failed.',
    });
    const results = [{ feature: 'b', errorCode: 95, errorMessage: 'Not b.' }];
    const one = { errorCode: 0, errorMessage: null, results };
    expect(await run('downgrade', { feature, 'dry-run': [] }, one)).toMatchObject({
      out: 'a can be downgraded to 2.\nCan not downgrade b to 1. Not b.\n',
      thrown: '1 out of 2 operation(s) failed.',
    });
    expect(await run('disable', { feature: ['b'] }, all)).toMatchObject({
      out: 'Could not disable b. No.\n',
    });
  });

  test.each([
    ['upgrade', {}, 'You must specify at least one feature to upgrade'],
    ['disable', {}, 'You must specify at least one feature to disable'],
    ['upgrade', { feature: ['a'] }, "Can't parse feature=level string a: equals sign not found."],
    ['upgrade', { feature: ['a=x'] }, "Can't parse feature=level string a=x: unable to parse x as a short."],
    ['upgrade', { feature: ['a=1', 'a=2'] }, 'Feature a was specified more than once.'],
    ['upgrade', { feature: ['a=-1'] }, 'Cannot specify a negative version level.'],
    [
      'upgrade',
      { feature: ['a=0'] },
      'The upgradeType flag should be set to SAFE_DOWNGRADE or UNSAFE_DOWNGRADE when the provided maxVersionLevel:0 is < 1.',
    ],
    [
      'upgrade',
      { 'release-version': ['4.3'], feature: ['a=1'] },
      'Can not specify `release-version` with other feature flags.',
    ],
    ['downgrade', { metadata: ['9.9'] }, /^Unknown metadata\.version '9\.9'\. Supported/],
  ])('%s %j is refused', async (command, options, message) => {
    const { thrown } = await run(command, options);
    if (typeof message === 'string') expect(thrown).toBe(message);
    else expect(thrown).toMatch(message);
  });
});

test('describe prints one line for each feature, with names for the levels of metadata.version', async () => {
  const io = testIo();
  const answer = create(ApiVersionsResponse, {
    errorCode: 0,
    apiKeys: [],
    supportedFeatures: [
      { name: 'metadata.version', minVersion: 7, maxVersion: 99 },
      { name: 'kraft.version', minVersion: 0, maxVersion: 1 },
    ],
    finalizedFeatures: [{ name: 'metadata.version', minVersionLevel: 30, maxVersionLevel: 30 }],
    finalizedFeaturesEpoch: 7,
  });
  const client = { any: async () => ({ request: async () => answer }) };
  await describeFeatures(client as never, null, io);
  expect(io.out.replace(/ +/g, ' ')).toBe(
    'Feature: kraft.version SupportedMinVersion: 0 SupportedMaxVersion: 1 FinalizedVersionLevel: 0 Epoch: 7\nFeature: metadata.version SupportedMinVersion: 3.3-IV3 SupportedMaxVersion: UNKNOWN [99] FinalizedVersionLevel: 4.3-IV0 Epoch: 7\n',
  );
});
