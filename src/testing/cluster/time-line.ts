/**
 * Finds out at which offsets of the metadata log topics were created and deleted and a configuration was changed. It compares
 * successive images of every node. A node's next image may be several entries ahead of its last one, so it shows a change only
 * within a span of offsets; the images of other nodes may make the span smaller.
 */
import type { MetadataImage } from '../../metadata/image.ts';

/** A change took effect after the offset `after` and at or before the offset `by`. */
export interface Span {
  after: number;
  by: number;
  /** The epoch of the entry at `after`. The change was made by the controller of this or a later epoch. */
  epoch: number;
}

export interface TopicLife {
  readonly id: string;
  readonly name: string;
  readonly born: Span;
  /** Null while the topic exists. */
  died: Span | null;
}

/** The topic and the configuration that operations change; each change writes another number. */
export const watchedSetting = { topic: 'ledger', name: 'max.message.bytes' } as const;

export class TimeLine {
  readonly topics = new Map<string, TopicLife>();
  /** Values of the watched configuration, each with the span in which it was set. */
  readonly settings = new Map<string, Span>();

  saw(image: MetadataImage, before: MetadataImage | null): void {
    const span = { after: before?.offset ?? -1, by: image.offset, epoch: before?.epoch ?? -1 };
    const value = image.configs.topic(watchedSetting.topic).get(watchedSetting.name);
    if (value !== undefined && value !== before?.configs.topic(watchedSetting.topic).get(watchedSetting.name))
      note(this.settings, value, span);
    if (image.topics === before?.topics) return;
    for (const { id, name } of image.topics.all()) {
      if (before?.topics.byId(id) !== undefined) continue;
      const known = this.topics.get(id);
      if (known === undefined) this.topics.set(id, { id, name, born: { ...span }, died: null });
      else narrow(known.born, span);
    }
    if (before === null) return;
    for (const { id } of before.topics.all()) {
      const life = this.topics.get(id);
      if (image.topics.byId(id) !== undefined || life === undefined) continue;
      if (life.died === null) life.died = { ...span };
      else narrow(life.died, span);
    }
  }
}

function note(spans: Map<string, Span>, key: string, span: Span): void {
  const known = spans.get(key);
  if (known === undefined) spans.set(key, { ...span });
  else narrow(known, span);
}

function narrow(known: Span, seen: Span): void {
  known.after = Math.max(known.after, seen.after);
  known.by = Math.min(known.by, seen.by);
  known.epoch = Math.max(known.epoch, seen.epoch);
}
