/** Computes the feature levels of a new cluster from --release-version and --feature, with Kafka's checks. Pure. */
import {
  defaultFeatureLevel,
  features,
  findMetadataVersion,
  latestMetadataVersion,
  type MetadataVersion,
  metadataVersionFeature,
  metadataVersionOf,
  metadataVersions,
} from '../../metadata/feature-versions.ts';
import { ToolError } from '../tool.ts';

/** Parses `name=level`, the value of --feature. */
export function parseFeature(text: string): { name: string; level: number } {
  const at = text.indexOf('=');
  if (at < 0) throw new ToolError(`Can't parse feature=level string ${text}: equals sign not found.`);
  const level = text.slice(at + 1).trim();
  if (!/^-?\d+$/.test(level))
    throw new ToolError(`Can't parse feature=level string ${text}: unable to parse ${level} as a short.`);
  return { name: text.slice(0, at).trim(), level: Number(level) };
}

/**
 * Returns the metadata version that `text` names. Unless `takesUnstable`, only stable versions count. Throws, with Kafka's
 * message, when there is none.
 */
export function metadataVersionNamed(text: string, takesUnstable = true): MetadataVersion {
  const isKnown = ({ isStable }: MetadataVersion): boolean => isStable || takesUnstable;
  const version = findMetadataVersion(text);
  if (version !== null && isKnown(version)) return version;
  const known = metadataVersions
    .filter(isKnown)
    .map(({ name }) => name)
    .join(', ');
  throw new ToolError(`Unknown metadata.version '${text}'. Supported metadata.version are: ${known}`);
}

export interface FeatureChoice {
  /** The value of --release-version; null when it was not given. */
  readonly release: string | null;
  /** The values of --feature, in order. */
  readonly chosen: readonly string[];
  /** Whether the new cluster has a dynamic quorum. */
  readonly isDynamic: boolean;
  /** The value of unstable.feature.versions.enable. */
  readonly takesUnstable: boolean;
}

export interface ChosenFeatures {
  readonly metadataVersion: MetadataVersion;
  /**
   * The levels above 0, as the cluster's first records will set them: metadata.version first, the others by name. kraft.version
   * is not among them: it is not stored as a feature record.
   */
  readonly levels: readonly { name: string; level: number }[];
}

function chooseMetadataVersion(choice: FeatureChoice, chosen: ReadonlyMap<string, number>): MetadataVersion {
  const level = chosen.get(metadataVersionFeature);
  if (level !== undefined && choice.release !== null) {
    throw new ToolError('Use --release-version instead of --feature metadata.version=X to avoid ambiguity.');
  }
  const version =
    level === undefined
      ? choice.release === null
        ? latestMetadataVersion
        : metadataVersionNamed(choice.release, choice.takesUnstable)
      : metadataVersionOf(level);
  if (version === null)
    throw new ToolError(
      `No MetadataVersion with feature level ${level}. Valid feature levels are from ${metadataVersions[0]?.level} to ${metadataVersions.at(-1)?.level}.`,
    );
  if (!version.isStable && !choice.takesUnstable)
    throw new ToolError(`metadata.version ${version.name} is not yet stable.`);
  return version;
}

function checkKraftVersion(level: number, isDynamic: boolean): void {
  const flags =
    'controller.quorum.voters is empty and one of the flags --standalone, --initial-controllers, or --no-initial-controllers is used.';
  const hint =
    'For dynamic controllers support, try removing controller.quorum.voters from the configuration or the --feature flag for kraft.version.';
  if (level > 0 && !isDynamic)
    throw new ToolError(`Cannot set kraft.version to ${level} unless ${flags} ${hint}`);
  if (level === 0 && isDynamic) throw new ToolError(`Cannot set kraft.version to 0 if ${flags} ${hint}`);
}

/** Chooses the level of each feature. Throws `ToolError` with Kafka's message when the options are invalid. */
export function chooseFeatures(choice: FeatureChoice): ChosenFeatures {
  const chosen = new Map<string, number>();
  for (const text of choice.chosen) {
    const { name, level } = parseFeature(text);
    chosen.set(name, level);
  }
  const known = new Set([metadataVersionFeature, ...features.map(({ name }) => name)]);
  for (const name of chosen.keys()) {
    if (known.has(name)) continue;
    const shown = features
      .map((feature) => feature.name)
      .sort()
      .join(', ');
    throw new ToolError(`Unsupported feature: ${name}. Supported features are: ${shown}`);
  }
  const metadataVersion = chooseMetadataVersion(choice, chosen);
  const levels: { name: string; level: number }[] = [];
  for (const feature of features) {
    const given = chosen.get(feature.name);
    const level = given ?? defaultFeatureLevel(feature, metadataVersion.level);
    if (level < 0 || level > feature.maxLevel)
      throw new ToolError(`No feature:${feature.name} with feature level ${level}`);
    if (level > 0 && given !== undefined && metadataVersion.level < (feature.needsMetadataLevel ?? 0)) {
      throw new ToolError(
        `${feature.name} could not be set to ${level} because it depends on metadata.version level ${feature.needsMetadataLevel}`,
      );
    }
    if (feature.name === 'kraft.version') {
      if (given !== undefined) checkKraftVersion(given, choice.isDynamic);
    } else if (level > 0) levels.push({ name: feature.name, level });
  }
  levels.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    metadataVersion,
    levels: [{ name: metadataVersionFeature, level: metadataVersion.level }, ...levels],
  };
}

/** Returns what `kafka-storage version-mapping` prints. */
export function versionMapping(release: string | null): string {
  const version = release === null ? latestMetadataVersion : metadataVersionNamed(release);
  const lines = features.map((feature) => `${feature.name}=${defaultFeatureLevel(feature, version.level)}`);
  return [`metadata.version=${version.level} (${release ?? version.name})`, ...lines, ''].join('\n');
}

/** Returns what `kafka-storage feature-dependencies` prints. */
export function featureDependencies(wanted: readonly string[]): string {
  let out = '';
  for (const text of wanted) {
    const parts = /^([^=]*)=(\d+)$/.exec(text);
    if (parts === null)
      throw new ToolError(
        `Invalid feature format: ${text}. Expected format: 'feature=version' (e.g. 'group.version=1')`,
      );
    const name = parts[1] as string;
    const level = Number(parts[2]);
    if (name === metadataVersionFeature) {
      const version = metadataVersionOf(level);
      if (version === null) throw new ToolError(`Unknown metadata.version ${level}`);
      out += `${name}=${level} (${version.name}) has no dependencies.\n`;
      continue;
    }
    const feature = features.find((one) => one.name === name);
    if (feature === undefined) throw new ToolError(`Unknown feature: ${name}`);
    if (level > feature.maxLevel)
      throw new ToolError(`Feature level ${level} is not supported for feature ${name}`);
    const needs = level > 0 ? (feature.needsMetadataLevel ?? null) : null;
    out +=
      needs === null
        ? `${name}=${level} has no dependencies.\n`
        : `${name}=${level} requires:\n    metadata.version=${needs} (${metadataVersionOf(needs)?.name})\n`;
  }
  return out;
}
