/** Receivers of metadata. Each gets every delta with the image that it leads to, in order, synchronously, and must not throw. */
import type { LeaderView } from '../raft/api.ts';
import type { MetadataDelta } from './delta.ts';
import type { MetadataImage } from './image.ts';

export interface MetadataPublisher {
  onMetadataUpdate(delta: MetadataDelta, image: MetadataImage): void;
  /** The active controller changed, or is unknown (null). */
  onControllerChange?(leader: LeaderView): void;
}
