/**
 * Metadata versions and the other features of a cluster: their names and levels, and the level that each feature has in a new
 * cluster of a given release. All values are those of Apache Kafka 4.3.1.
 */
import { LaterReleaseError } from '../base/later-release.ts';
import { type Uuid, uuidZero } from '../base/uuid.ts';
import type { FeatureRange } from './cluster-image.ts';

export interface MetadataVersion {
  readonly level: number;
  /** For example `4.3-IV0`. */
  readonly name: string;
  /** The Kafka release that introduced the version, for example `4.3`. */
  readonly release: string;
  /** False for a level whose meaning may still change, because it is not released. */
  readonly isStable: boolean;
}

const names =
  '3.3-IV3 3.4-IV0 3.5-IV0 3.5-IV1 3.5-IV2 3.6-IV0 3.6-IV1 3.6-IV2 3.7-IV0 3.7-IV1 3.7-IV2 3.7-IV3 3.7-IV4 3.8-IV0 3.9-IV0 4.0-IV0 4.0-IV1 4.0-IV2 4.0-IV3 4.1-IV0 4.1-IV1 4.2-IV0 4.2-IV1 4.3-IV0 4.4-IV0';
const firstLevel = 7;
const latestStableLevel = 30;

export const metadataVersions: readonly MetadataVersion[] = names.split(' ').map((name, i) => ({
  level: firstLevel + i,
  name,
  release: name.slice(0, name.indexOf('-')),
  isStable: firstLevel + i <= latestStableLevel,
}));

export const latestMetadataVersion = metadataVersionOf(latestStableLevel) as MetadataVersion;

export function metadataVersionOf(level: number): MetadataVersion | null {
  return metadataVersions[level - firstLevel] ?? null;
}

/** Finds a version by its name, `4.3-IV0`, or by its release, `4.3`. The latter stands for the last version of that release. */
export function findMetadataVersion(text: string): MetadataVersion | null {
  return metadataVersions.findLast((version) => version.name === text || version.release === text) ?? null;
}

export interface Feature {
  readonly name: string;
  readonly maxLevel: number;
  /** A new cluster gets `maxLevel` of the feature if its metadata.version has at least this level; otherwise it gets 0. */
  readonly sinceMetadataLevel: number;
  /** A feature of `maxLevel` requires at least this level of metadata.version. */
  readonly needsMetadataLevel?: number;
}

/** In the order in which Kafka's tools list them. */
export const features: readonly Feature[] = [
  { name: 'kraft.version', maxLevel: 1, sinceMetadataLevel: 21 },
  { name: 'transaction.version', maxLevel: 2, sinceMetadataLevel: 24 },
  { name: 'group.version', maxLevel: 1, sinceMetadataLevel: 22 },
  { name: 'eligible.leader.replicas.version', maxLevel: 1, sinceMetadataLevel: 26, needsMetadataLevel: 23 },
  { name: 'share.version', maxLevel: 1, sinceMetadataLevel: 28 },
  { name: 'streams.version', maxLevel: 1, sinceMetadataLevel: 29 },
];

export const metadataVersionFeature = 'metadata.version';
export const kraftVersionFeature = 'kraft.version';

/** The levels of each feature that this release supports, in the order of the names. */
export const supportedFeatures: ReadonlyMap<string, FeatureRange> = new Map(
  [
    ...features.map(({ name, maxLevel }) => ({ name, min: 0, max: maxLevel })),
    { name: metadataVersionFeature, min: firstLevel, max: latestStableLevel },
  ]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, min, max }) => [name, { min, max }]),
);

/**
 * Throws `LaterReleaseError` when a feature has a level that this release does not support. As in Kafka, a controller stops
 * then: as the active controller it would write records that do not fit the level.
 */
export function checkFeatureLevels(levels: ReadonlyMap<string, number>): void {
  for (const [name, level] of levels) {
    const { min, max } = supportedFeatures.get(name) ?? { min: 0, max: 0 };
    if (level < min || level > max)
      throw new LaterReleaseError(
        `The metadata log sets ${name} to ${level}, and this controller supports only the levels ${min} to ${max}`,
      );
  }
}

/**
 * `kraft.version` is 1 when the voters with their directory ids are in the log of the quorum, and 0 when the voters come from
 * the nodes' configuration, which has no directory ids.
 */
export function kraftVersionOf(voters: readonly { readonly directoryId: Uuid }[]): number {
  return voters.some(({ directoryId }) => directoryId !== uuidZero) ? 1 : 0;
}

/** The level of a feature in a new cluster whose metadata.version is `metadataLevel`. */
export function defaultFeatureLevel(feature: Feature, metadataLevel: number): number {
  return metadataLevel >= feature.sinceMetadataLevel ? feature.maxLevel : 0;
}
