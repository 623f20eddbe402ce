/** UpdateFeatures, and the records with which a new cluster begins. The texts are Kafka's. */
import { resourceType } from '../metadata/configs-image.ts';
import { featureLevel } from '../metadata/image.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import { record } from '../metadata/records.ts';
import type {
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../protocol/messages/57-update-features.ts';
import { Errors } from '../protocol/errors.ts';
import type { ControllerState, Result } from './state.ts';

const upgrade = 1;
const safeDowngrade = 2;
const unsafeDowngrade = 3;

type Update = UpdateFeaturesRequest['featureUpdates'][number];

/** All or nothing. */
export function updateFeatures(
  state: ControllerState,
  request: UpdateFeaturesRequest,
  version: number,
): Result<UpdateFeaturesResponse> {
  const wrong = request.featureUpdates.map((update) => whatIsWrong(state, update, version));
  const first = wrong.find((text) => text !== null) ?? null;
  const records = first === null && !request.validateOnly ? recordsFor(state, request) : [];
  const code = Errors.INVALID_UPDATE_VERSION.code;
  const results = request.featureUpdates.map(({ feature }, i) => {
    const text = wrong[i] ?? null;
    return { feature, errorCode: text === null ? 0 : code, errorMessage: text };
  });
  return {
    records,
    response: {
      throttleTimeMs: 0,
      errorCode: version >= 2 && first !== null ? code : 0,
      errorMessage:
        version >= 2 && first !== null
          ? `The update failed for all features since the following feature had an error: ${first}`
          : null,
      results: version >= 2 ? [] : results,
    },
  };
}

function whatIsWrong(state: ControllerState, update: Update, version: number): string | null {
  const { feature, maxVersionLevel: level } = update;
  const invalid = (why: string): string => `Invalid update version ${level} for feature ${feature}. ${why}`;
  const range = state.settings.supportedFeatures.get(feature);
  const here = `Local controller ${state.settings.nodeId}`;
  if (range === undefined) return invalid(`${here} does not support this feature.`);
  if (feature === 'kraft.version' && level !== featureLevel(state.image, feature)) {
    return invalid('The version of the quorum cannot be changed while it runs.');
  }
  if (level !== 0 && (level < range.min || level > range.max)) {
    return invalid(`${here} only supports versions ${range.min}-${range.max}`);
  }
  for (const broker of state.image.cluster.brokers.values()) {
    const theirs = broker.features.get(feature);
    if (level === 0) continue;
    if (theirs === undefined) return invalid(`Broker ${broker.id} does not support this feature.`);
    if (level < theirs.min || level > theirs.max) {
      return invalid(`Broker ${broker.id} only supports versions ${theirs.min}-${theirs.max}`);
    }
  }
  return wrongDirection(state, update, version, invalid);
}

function wrongDirection(
  state: ControllerState,
  update: Update,
  version: number,
  invalid: (why: string) => string,
): string | null {
  const { feature, maxVersionLevel: level } = update;
  const type = version === 0 ? (update.allowDowngrade ? safeDowngrade : upgrade) : update.upgradeType;
  const current = featureLevel(state.image, feature);
  if (type !== upgrade && type !== safeDowngrade && type !== unsafeDowngrade) {
    return invalid('The controller does not support the given upgrade type.');
  }
  if (level < current && type === upgrade) {
    return invalid(
      "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    );
  }
  if (level > current && type !== upgrade) return invalid("Can't downgrade to a newer version.");
  if (feature === 'metadata.version' && level < current) {
    return invalid(
      'Refusing to perform the requested downgrade because it might delete metadata information.',
    );
  }
  return null;
}

function recordsFor(state: ControllerState, request: UpdateFeaturesRequest): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const { feature, maxVersionLevel } of request.featureUpdates) {
    if (featureLevel(state.image, feature) === maxVersionLevel) continue;
    records.push(record('FeatureLevelRecord', { name: feature, featureLevel: maxVersionLevel }));
    if (feature === 'eligible.leader.replicas.version' && maxVersionLevel > 0) {
      const has = state.image.configs.brokerDefault().has('min.insync.replicas');
      if (!has) records.push(clusterMinIsr(state.settings.minInsyncReplicas));
    }
  }
  return records;
}

/** ELR counts by one minimum for the whole cluster, so the first controller's own is written down. */
function clusterMinIsr(minInsyncReplicas: number): MetadataRecord {
  return record('ConfigRecord', {
    resourceType: resourceType.broker,
    resourceName: '',
    name: 'min.insync.replicas',
    value: String(minInsyncReplicas),
  });
}

/** What the first active controller of a new cluster writes: the records of `format`, and what their features ask for. */
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
