/**
 * The interface of publishers, the parts of a node that receive metadata. A publisher gets every delta with the image that the
 * delta leads to, in order and synchronously. One that is added later first gets the whole image, as a snapshot. A publisher
 * that throws ends the node.
 */
import type { LeaderView } from '../raft/api.ts';
import type { MetadataDelta } from './delta.ts';
import type { MetadataImage } from './image.ts';

export interface MetadataPublisher {
  onMetadataUpdate(delta: MetadataDelta, image: MetadataImage): void;
  /** Another controller became active, or the active controller is unknown (`leader.id` null). */
  onControllerChange?(leader: LeaderView): void;
}
