/**
 * Kafka's metadata versions and the other features of a cluster: names, levels, and the level of each feature in a new cluster of a
 * release. Facts of Apache Kafka 4.3.1.
 */
import { type Uuid, uuidZero } from '../base/uuid.ts';

export interface MetadataVersion {
  readonly level: number;
  /** For example `4.3-IV0`. */
  readonly name: string;
  /** The release of the version, for example `4.3`. */
  readonly release: string;
  /** False while later changes may still use the same level. */
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

/** Finds `4.3-IV0`, or `4.3`, which stands for the last version of that release. */
export function findMetadataVersion(text: string): MetadataVersion | null {
  return metadataVersions.findLast((version) => version.name === text || version.release === text) ?? null;
}

export interface Feature {
  readonly name: string;
  readonly maxLevel: number;
  /** From this metadata.version on a new cluster gets `maxLevel`; before that, 0. */
  readonly sinceMetadataLevel: number;
  /** The metadata.version that a level requires. */
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

/** 1 when the voter set, with directory ids, is in the quorum's log; 0 when it is in the nodes' configuration. */
export function kraftVersionOf(voters: readonly { readonly directoryId: Uuid }[]): number {
  return voters.some(({ directoryId }) => directoryId !== uuidZero) ? 1 : 0;
}

/** The level in a new cluster of `metadataLevel`. */
export function defaultFeatureLevel(feature: Feature, metadataLevel: number): number {
  return metadataLevel >= feature.sinceMetadataLevel ? feature.maxLevel : 0;
}
