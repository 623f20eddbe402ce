/**
 * Reads the topics in a member's metadata of protocol type "consumer". OffsetDelete and expiry must not remove offsets of these
 * topics. All versions begin with an int16 version and the topics; the rest of the metadata is not read.
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
