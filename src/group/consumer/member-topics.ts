/** Resolves the subscription of a member to existing topics. */
import type { Uuid } from '../../base/uuid.ts';
import type { TopicsImage } from '../../metadata/topics-image.ts';
import type { MemberMetadata } from './member.ts';
import { hasRegex } from './member.ts';
import type { ConsumerGroup } from '../group-turn.ts';

/** The names of the topics to which a member subscribes. A regular expression that has not been matched yet adds none. */
export function subscribedNames(group: ConsumerGroup, metadata: MemberMetadata): readonly string[] {
  if (!hasRegex(metadata)) return metadata.subscribedTopicNames;
  const matched = group.regexes.get(metadata.subscribedTopicRegex ?? '')?.topics ?? [];
  return [...metadata.subscribedTopicNames, ...matched];
}

export function isSubscribed(group: ConsumerGroup, metadata: MemberMetadata, topics: TopicsImage) {
  const names = new Set(subscribedNames(group, metadata));
  return (topicId: Uuid): boolean => {
    const topic = topics.byId(topicId);
    return topic !== undefined && names.has(topic.name);
  };
}

/**
 * The ids of the existing topics to which each member subscribes. Members with the same subscription get the same set object.
 */
export class SubscribedIds {
  readonly #group: ConsumerGroup;
  readonly #topics: TopicsImage;
  readonly #known = new Map<string, ReadonlySet<Uuid>>();

  constructor(group: ConsumerGroup, topics: TopicsImage) {
    this.#group = group;
    this.#topics = topics;
  }

  of(metadata: MemberMetadata): ReadonlySet<Uuid> {
    // Neither ',' nor ':' occurs in a topic name.
    const key = `${metadata.subscribedTopicNames.join(',')}:${metadata.subscribedTopicRegex ?? ''}`;
    let ids = this.#known.get(key);
    if (ids === undefined) {
      ids = this.#shared(this.#resolve(metadata));
      this.#known.set(key, ids);
    }
    return ids;
  }

  #resolve(metadata: MemberMetadata): Set<Uuid> {
    const ids = new Set<Uuid>();
    for (const name of subscribedNames(this.#group, metadata)) {
      const id = this.#topics.byName(name)?.id;
      if (id !== undefined) ids.add(id);
    }
    return ids;
  }

  /** Returns the known set with the same ids if there is one. */
  #shared(ids: ReadonlySet<Uuid>): ReadonlySet<Uuid> {
    for (const known of this.#known.values()) {
      if (known.size === ids.size && [...ids].every((id) => known.has(id))) return known;
    }
    return ids;
  }
}
