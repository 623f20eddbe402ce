/** The interface between a leader's partition and the stream of a follower that has subscribed to it. */
import type { NodeId } from '../../base/ids.ts';
import type { ErrorRow } from '../../protocol/errors.ts';

/** Sends the leader's log to one follower. The methods return at once; the sending happens later. */
export interface Feed {
  readonly brokerId: NodeId;
  /** The partition has new records, another high watermark or another log start offset. */
  wake(): void;
  /** The partition no longer feeds this follower. */
  revoke(error: ErrorRow): void;
}
