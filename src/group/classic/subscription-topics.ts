/**
 * Reads the topics in a member's metadata of protocol type "consumer", because OffsetDelete and expiry must keep the offsets of
 * topics to which the group subscribes. Every version of the metadata begins with a version (int16) and the topics; the rest is
 * not read.
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
