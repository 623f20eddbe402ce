/**
 * The topics in a member's metadata of protocol type "consumer": what OffsetDelete and expiry must not take away. All versions
 * begin alike (int16 version, then the topics), so this reads no further. Anything else in the metadata is the clients' affair.
 */
import { decode } from '../../protocol/codec/codec.ts';
import { ConsumerProtocolSubscription } from '../../protocol/messages/stored/group-records.ts';

/** Null when the bytes are not a subscription. */
export function subscriptionTopics(metadata: Uint8Array): readonly string[] | null {
  try {
    return decode(ConsumerProtocolSubscription, 0, metadata, 2).topics;
  } catch {
    return null;
  }
}
