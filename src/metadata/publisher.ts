/** Receivers of metadata: each gets every delta with the image it led to, in order, synchronously, and must not throw. */
import type { LeaderView } from '../raft/api.ts';
import type { MetadataDelta } from './delta.ts';
import type { MetadataImage } from './image.ts';

export interface MetadataPublisher {
  onMetadataUpdate(delta: MetadataDelta, image: MetadataImage): void;
  /** The active controller changed, or isn't known (null). */
  onControllerChange?(leader: LeaderView): void;
}
