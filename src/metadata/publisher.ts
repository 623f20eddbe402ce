/**
 * The interface of publishers, the parts of a node that receive metadata. Each gets every delta from the time at which it was
 * added, with the image that the delta leads to, in order and synchronously. A publisher that throws ends the node.
 */
import type { LeaderView } from '../raft/api.ts';
import type { MetadataDelta } from './delta.ts';
import type { MetadataImage } from './image.ts';

export interface MetadataPublisher {
  onMetadataUpdate(delta: MetadataDelta, image: MetadataImage): void;
  /** Another controller became active, or the active controller is unknown (`leader.id` null). */
  onControllerChange?(leader: LeaderView): void;
}
