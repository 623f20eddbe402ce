/**
 * The image: the immutable state of the cluster at one offset of the metadata log. Its fields from `features` on are its
 * sections. A log entry that does not change a section leaves it the same object, so `before.topics === after.topics` means
 * that no topic has changed. After a snapshot all sections are new objects. `delta.ts` makes new images.
 */
import type { ClusterImage } from './cluster-image.ts';
import { emptyClusterImage } from './cluster-image.ts';
import { ConfigsImage } from './configs-image.ts';
import type { SecurityImage } from './security-image.ts';
import { emptySecurityImage } from './security-image.ts';
import { TopicsImage } from './topics-image.ts';

export interface FeaturesImage {
  /** Finalized levels of the features by name, `metadata.version` among them. A feature that is absent has level 0. */
  readonly levels: ReadonlyMap<string, number>;
}

export interface ProducerIdsImage {
  /** The first producer id that was not given to any broker yet. Brokers get them in blocks. */
  readonly nextId: number;
  /** The broker that got the last block. */
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

export interface MetadataImage {
  /** Offset of the last entry of the metadata log that the image contains; -1 when it contains none. */
  readonly offset: number;
  /** Epoch of that entry. */
  readonly epoch: number;
  readonly features: FeaturesImage;
  readonly cluster: ClusterImage;
  readonly topics: TopicsImage;
  readonly configs: ConfigsImage;
  readonly producerIds: ProducerIdsImage;
  readonly security: SecurityImage;
}

export function emptyImage(): MetadataImage {
  return {
    offset: -1,
    epoch: -1,
    features: { levels: new Map() },
    cluster: emptyClusterImage,
    topics: TopicsImage.empty(),
    configs: ConfigsImage.empty(),
    producerIds: { nextId: 0, brokerId: -1, brokerEpoch: -1 },
    security: emptySecurityImage(),
  };
}

/** The finalized level of a feature; 0 when it is not finalized. */
export function featureLevel(image: MetadataImage, name: string): number {
  return image.features.levels.get(name) ?? 0;
}
