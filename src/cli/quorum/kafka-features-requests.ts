/** The requests of kafka-features, and what it prints about the responses. The texts are those of Kafka's tool. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import {
  defaultFeatureLevel,
  features,
  type MetadataVersion,
  metadataVersionFeature,
  metadataVersionOf,
} from '../../metadata/feature-versions.ts';
import { errorOf, KafkaError } from '../../protocol/errors.ts';
import { ApiVersionsRequest, ApiVersionsResponse } from '../../protocol/messages/cluster/18-api-versions.ts';
import {
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../../protocol/messages/cluster/57-update-features.ts';
import type { Infer } from '../../protocol/schema/fields.ts';
import type { Parsed } from '../arguments/argparse.ts';
import { metadataVersionNamed, parseFeature } from '../storage/features.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { kafkaVersion } from '../version.ts';

const upgradeType = 1;
const safeDowngradeType = 2;
const unsafeDowngradeType = 3;

const nameWidth = 42;
const valueWidth = 17;

/** `nodeId` is the id from the command line; null when any node may answer. */
export async function describeFeatures(
  client: Pick<KafkaClient, 'any' | 'broker'>,
  nodeId: string | null,
  io: CliIo,
): Promise<void> {
  const connection = nodeId === null ? await client.any() : await client.broker(Number(nodeId));
  const answer = await connection.request(ApiVersionsRequest, ApiVersionsResponse, {
    clientSoftwareName: 'bendemann',
    clientSoftwareVersion: kafkaVersion,
  });
  if (answer.errorCode !== 0) throw new KafkaError(errorOf(answer.errorCode));
  io.stdout(featureLines(answer));
}

function featureLines(answer: Infer<typeof ApiVersionsResponse>): string {
  const finalized = new Map(answer.finalizedFeatures.map((one) => [one.name, one.maxVersionLevel]));
  const epoch = answer.finalizedFeaturesEpoch < 0 ? '-' : String(answer.finalizedFeaturesEpoch);
  return [...answer.supportedFeatures]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, minVersion, maxVersion }) => {
      const level = (value: number): string => levelText(name, value).padEnd(valueWidth);
      return `Feature: ${name.padEnd(nameWidth)}SupportedMinVersion: ${level(minVersion)}SupportedMaxVersion: ${level(maxVersion)}FinalizedVersionLevel: ${level(finalized.get(name) ?? 0)}Epoch: ${epoch}\n`;
    })
    .join('');
}

function levelText(name: string, level: number): string {
  if (name !== metadataVersionFeature) return String(level);
  return metadataVersionOf(level)?.name ?? `UNKNOWN [${level}]`;
}

/**
 * Upgrades, downgrades or disables features. Prints a line for each feature, and throws `ToolError` when at least one failed.
 */
export async function updateFeatures(
  client: Pick<KafkaClient, 'request'>,
  parsed: Parsed,
  io: CliIo,
): Promise<void> {
  const { command } = parsed;
  const levels = command === 'disable' ? disabledLevels(parsed) : chosenLevels(parsed, io);
  if (levels.size === 0) throw new ToolError(`You must specify at least one feature to ${command}`);
  const type =
    command === 'upgrade' ? upgradeType : parsed.has('unsafe') ? unsafeDowngradeType : safeDowngradeType;
  checkLevels(levels, type);
  const updates = [...levels].sort(([a], [b]) => (a < b ? -1 : 1));
  const answer = await client.request(UpdateFeaturesRequest, UpdateFeaturesResponse, {
    featureUpdates: updates.map(([name, maxVersionLevel]) => ({
      feature: name,
      maxVersionLevel,
      // This field exists only in version 0 of the request, which is not used here.
      allowDowngrade: false,
      upgradeType: type,
    })),
    validateOnly: parsed.has('dry-run'),
  });
  const failures = failuresOf(answer);
  for (const [name, level] of updates) {
    const what = command === 'disable' ? name : `${name} to ${level}`;
    io.stdout(`${outcome(parsed, name, what, failures(name))}\n`);
  }
  const failed = updates.filter(([name]) => failures(name) !== null).length;
  if (failed > 0) throw new ToolError(`${failed} out of ${updates.length} operation(s) failed.`);
}

/**
 * Returns a function from the name of a feature to its error, or null. Up to version 1 of the response each feature has an
 * error of its own; later there is one error for all features.
 */
function failuresOf(answer: Infer<typeof UpdateFeaturesResponse>): (name: string) => string | null {
  const text = (code: number, message: string | null): string | null =>
    code === 0 ? null : (message ?? errorOf(code).message);
  const all = text(answer.errorCode, answer.errorMessage);
  return (name) => {
    const own = answer.results.find(({ feature }) => feature === name);
    return all ?? (own === undefined ? null : text(own.errorCode, own.errorMessage));
  };
}

function outcome(parsed: Parsed, name: string, what: string, failure: string | null): string {
  const { command } = parsed;
  const isTrial = parsed.has('dry-run');
  if (failure !== null) return `${isTrial ? 'Can not' : 'Could not'} ${command} ${what}. ${failure}`;
  const done = `${name} ${isTrial ? 'can be' : 'was'} ${command}d`;
  return what === name ? `${done}.` : `${done}${what.slice(name.length)}.`;
}

function disabledLevels(parsed: Parsed): Map<string, number> {
  const levels = new Map<string, number>();
  for (const name of parsed.all('feature')) addLevel(levels, name, 0);
  return levels;
}

function addLevel(levels: Map<string, number>, name: string, level: number): void {
  if (levels.has(name)) throw new ToolError(`Feature ${name} was specified more than once.`);
  levels.set(name, level);
}

function chosenLevels(parsed: Parsed, io: CliIo): Map<string, number> {
  const release = parsed.text('release-version');
  const metadata = parsed.text('metadata');
  const chosen = parsed.all('feature');
  if (release !== null) {
    if (metadata !== null || chosen.length > 0) {
      throw new ToolError('Can not specify `release-version` with other feature flags.');
    }
    return levelsOf(metadataVersionNamed(release), parsed.command);
  }
  const levels = new Map<string, number>();
  if (metadata !== null) {
    io.stdout(' `metadata` flag is deprecated and may be removed in a future release.\n');
    addLevel(levels, metadataVersionFeature, metadataVersionNamed(metadata).level);
  }
  for (const text of chosen) {
    const { name, level } = parseFeature(text);
    addLevel(levels, name, level);
  }
  return levels;
}

/** Returns the feature levels that a new cluster of this release has. For an upgrade, features with level 0 are left out. */
function levelsOf(version: MetadataVersion, command: string): Map<string, number> {
  const levels = new Map([[metadataVersionFeature, version.level]]);
  for (const one of features) {
    const level = defaultFeatureLevel(one, version.level);
    if (level > 0 || command !== 'upgrade') levels.set(one.name, level);
  }
  return levels;
}

/** Makes the checks that Kafka's client makes before it sends the request. */
function checkLevels(levels: ReadonlyMap<string, number>, type: number): void {
  for (const level of levels.values()) {
    if (level < 0) throw new ToolError('Cannot specify a negative version level.');
    if (level === 0 && type === upgradeType) {
      throw new ToolError(
        'The upgradeType flag should be set to SAFE_DOWNGRADE or UNSAFE_DOWNGRADE when the provided maxVersionLevel:0 is < 1.',
      );
    }
  }
}
