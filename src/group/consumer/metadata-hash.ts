/**
 * A hash of the subscribed topics: ids, names and partition counts. When it changes, the group epoch increases and a new target
 * assignment is computed. The hash is below 2^53, so that a JavaScript number stores it exactly. It is not Kafka's XXH3 value:
 * the first heartbeat after a migration to Kafka therefore causes one rebalance.
 */
import type { TopicsImage } from '../../metadata/topics-image.ts';

export type Topics = Pick<TopicsImage, 'byName' | 'byId' | 'names'>;

/** 0 when none of the topics exists. */
export function metadataHash(subscribed: ReadonlySet<string>, topics: Topics): number {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  let any = false;
  for (const name of [...subscribed].sort()) {
    const topic = topics.byName(name);
    if (topic === undefined) continue;
    any = true;
    const text = `${topic.id} ${name} ${topic.partitions.length};`;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      low = Math.imul(low ^ code, 2_654_435_761);
      high = Math.imul(high ^ code, 1_597_334_677);
    }
  }
  if (!any) return 0;
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  return 0x1_0000_0000 * (high & 0x1f_ffff) + (low >>> 0);
}
