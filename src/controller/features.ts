/**
 * UpdateFeatures, and the first records of a new cluster. The error messages are Kafka's.
 *
 * The level of kraft.version is not in a metadata record: it follows from the voter set in the quorum's log. This file only
 * checks a request to change it; `server/voter-requests.ts` makes the change.
 */
import { resourceType } from '../metadata/configs-image.ts';
import {
  features,
  kraftVersionFeature,
  kraftVersionOf,
  metadataVersionFeature,
  metadataVersionOf,
} from '../metadata/feature-versions.ts';
import { featureLevel } from '../metadata/image.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import { record } from '../metadata/records.ts';
import type {
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../protocol/messages/cluster/57-update-features.ts';
import type { FeatureRange } from '../metadata/cluster-image.ts';
import { Errors } from '../protocol/errors.ts';
import type { ControllerState, Result } from './state.ts';

const upgrade = 1;
const safeDowngrade = 2;
const unsafeDowngrade = 3;

type Update = UpdateFeaturesRequest['featureUpdates'][number];

/** Applies all updates of the request or none. */
export function updateFeatures(
  state: ControllerState,
  request: UpdateFeaturesRequest,
  version: number,
): Result<UpdateFeaturesResponse> {
  const metadataLevel =
    request.featureUpdates.find(({ feature }) => feature === metadataVersionFeature)?.maxVersionLevel ??
    featureLevel(state.image, metadataVersionFeature);
  const wrong = request.featureUpdates.map((update) => refusalOf(state, update, version, metadataLevel));
  const isRefused = wrong.some((text) => text !== null);
  const records = isRefused || request.validateOnly ? [] : recordsFor(state, request);
  return { records, response: updateResponse(request, version, wrong) };
}

/**
 * The response when the quorum has refused to change kraft.version from 0 to 1. No other feature of the request was changed.
 */
export function kraftVersionRefused(
  request: UpdateFeaturesRequest,
  version: number,
  why: string,
): UpdateFeaturesResponse {
  const wrong = request.featureUpdates.map((update) =>
    update.feature === kraftVersionFeature ? invalidUpdate(update, why) : null,
  );
  return updateResponse(request, version, wrong);
}

/** Makes the response. Up to version 1 of the request, a successful response lists every feature; later versions list none. */
function updateResponse(
  request: UpdateFeaturesRequest,
  version: number,
  wrong: readonly (string | null)[],
): UpdateFeaturesResponse {
  const first = wrong.find((text) => text !== null) ?? null;
  const { code } = Errors.INVALID_UPDATE_VERSION;
  const none = { errorCode: Errors.NONE.code, errorMessage: Errors.NONE.name };
  if (first === null) {
    const results = request.featureUpdates.map(({ feature }) => ({ feature, ...none }));
    return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, results: version >= 2 ? [] : results };
  }
  return {
    throttleTimeMs: 0,
    errorCode: code,
    errorMessage: `The update failed for all features since the following feature had an error: ${first}`,
    results: [],
  };
}

function invalidUpdate({ feature, maxVersionLevel }: Update, why: string): string {
  return `Invalid update version ${maxVersionLevel} for feature ${feature}. ${why}`;
}

/** The finalized level of a feature; that of kraft.version follows from the voter set. */
function currentLevel(state: ControllerState, feature: string): number {
  if (feature === kraftVersionFeature) return kraftVersionOf(state.settings.voters());
  return featureLevel(state.image, feature);
}

/** The reason to refuse one update, or null. `metadataLevel` is the metadata.version after the whole request. */
function refusalOf(
  state: ControllerState,
  update: Update,
  version: number,
  metadataLevel: number,
): string | null {
  const { feature, maxVersionLevel: level } = update;
  const type = version === 0 ? (update.allowDowngrade ? safeDowngrade : upgrade) : update.upgradeType;
  const invalid = (why: string): string => invalidUpdate(update, why);
  if (type !== upgrade && type !== safeDowngrade && type !== unsafeDowngrade) {
    return invalid('The controller does not support the given upgrade type.');
  }
  if (level < 0) return invalid('A feature version cannot be less than 0.');
  const unsupported = nodeWithoutSupport(state, feature, level);
  if (unsupported !== null) return invalid(unsupported);
  const current = currentLevel(state, feature);
  if (level < current && type === upgrade) {
    return invalid(
      "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    );
  }
  if (level > current && type !== upgrade) return invalid("Can't downgrade to a newer version.");
  if (feature === kraftVersionFeature) {
    return level < current ? invalid("Can't downgrade the version of this feature.") : null;
  }
  if (feature === metadataVersionFeature) return downgradedMetadata(current, level, type);
  return missingDependency(update, metadataLevel);
}

/**
 * Kafka refuses a downgrade that would lose metadata. Here every downgrade is refused, because older record formats
 * cannot be written.
 */
function downgradedMetadata(current: number, level: number, type: number): string | null {
  if (level >= current) return null;
  const why =
    type === unsafeDowngrade
      ? 'Unsafe metadata downgrade is not supported in this version.'
      : 'Refusing to perform the requested downgrade because it might delete metadata information.';
  return `Unsupported metadata.version downgrade from ${current} to ${level}. ${why}`;
}

function missingDependency(update: Update, metadataLevel: number): string | null {
  const known = features.find(({ name }) => name === update.feature);
  if (known === undefined) return invalidUpdate(update, `Feature ${update.feature} not found.`);
  const needed = known.needsMetadataLevel ?? 0;
  if (update.maxVersionLevel === 0 || metadataLevel >= needed) return null;
  const name = metadataVersionOf(needed)?.name ?? needed;
  return invalidUpdate(
    update,
    `${update.feature} could not be set to ${update.maxVersionLevel} because it depends on metadata.version level ${needed} (${name})`,
  );
}

/**
 * Which node does not support this level, as part of an error message; null when all do. A voter that has not registered counts
 * as a node without support.
 */
function nodeWithoutSupport(state: ControllerState, feature: string, level: number): string | null {
  const { nodeId, supportedFeatures, voters } = state.settings;
  const here = missingSupport(`Local controller ${nodeId}`, supportedFeatures.get(feature), level);
  if (here !== null) return here;
  for (const broker of state.image.cluster.brokers.values()) {
    const there = missingSupport(`Broker ${broker.id}`, broker.features.get(feature), level);
    if (there !== null) return there;
  }
  for (const { id } of voters()) {
    if (id === nodeId) continue;
    const controller = state.image.cluster.controllers.get(id);
    if (controller === undefined) {
      return `controller ${id} has not registered, and may not support this feature`;
    }
    const there = missingSupport(`Controller ${id}`, controller.features.get(feature), level);
    if (there !== null) return there;
  }
  return null;
}

/**
 * The part of an error message that says why `who` does not support `level`; null when it does. `range`: the levels that it
 * supports. A node that does not know the feature supports level 0, which means that the feature is disabled.
 */
function missingSupport(who: string, range: FeatureRange | undefined, level: number): string | null {
  const { min, max } = range ?? { min: 0, max: 0 };
  if (level >= min && level <= max) return null;
  return max === 0 ? `${who} does not support this feature.` : `${who} only supports versions ${min}-${max}`;
}

function recordsFor(state: ControllerState, request: UpdateFeaturesRequest): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const { feature, maxVersionLevel } of request.featureUpdates) {
    if (currentLevel(state, feature) === maxVersionLevel || feature === kraftVersionFeature) continue;
    records.push(record('FeatureLevelRecord', { name: feature, featureLevel: maxVersionLevel }));
    if (feature === 'eligible.leader.replicas.version' && maxVersionLevel > 0) {
      const has = state.image.configs.brokerDefault().has('min.insync.replicas');
      if (!has) records.push(clusterMinIsr(state.settings.minInsyncReplicas));
    }
  }
  return records;
}

/**
 * The record that sets min.insync.replicas for the whole cluster. ELR needs such a value, so the active controller takes that
 * of its own properties when ELR is enabled.
 */
function clusterMinIsr(minInsyncReplicas: number): MetadataRecord {
  return record('ConfigRecord', {
    resourceType: resourceType.broker,
    resourceName: '',
    name: 'min.insync.replicas',
    value: String(minInsyncReplicas),
  });
}

/** The first records of a new cluster: those of `kafka-storage format`, and those that the finalized features require. */
export function bootstrapRecords(
  state: ControllerState,
  formatted: readonly MetadataRecord[],
): MetadataRecord[] {
  const elr = formatted.some(
    (entry) =>
      entry.type === 'FeatureLevelRecord' &&
      entry.name === 'eligible.leader.replicas.version' &&
      entry.featureLevel > 0,
  );
  return elr ? [...formatted, clusterMinIsr(state.settings.minInsyncReplicas)] : [...formatted];
}
