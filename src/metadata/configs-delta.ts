/** Collects the changes that records make to the dynamic configurations, and applies them to a `ConfigsImage`. */
import type { ConfigResource, ConfigsImage, ResourceConfigImage } from './configs-image.ts';
import { resourceKey, resourceType } from './configs-image.ts';
import type { RecordOf } from './records.ts';

export class ConfigsDelta {
  readonly #base: ConfigsImage;
  readonly #drafts = new Map<
    string,
    { readonly type: number; readonly name: string; readonly values: Map<string, string> }
  >();

  constructor(base: ConfigsImage) {
    this.#base = base;
  }

  changed(): ConfigResource[] {
    return [...this.#drafts.values()].map(({ type, name }) => ({ type, name }));
  }

  replay(record: RecordOf<'ConfigRecord'>): void {
    const values = this.#draft(record.resourceType, record.resourceName);
    if (record.value === null) values.delete(record.name);
    else values.set(record.name, record.value);
  }

  /** Called when a topic is removed: removes its configuration too. */
  removeTopic(name: string): void {
    const known = this.#drafts.has(resourceKey(resourceType.topic, name));
    if (known || this.#base.topic(name).size > 0) this.#draft(resourceType.topic, name).clear();
  }

  apply(): ConfigsImage {
    if (this.#drafts.size === 0) return this.#base;
    const changes = new Map<string, ResourceConfigImage | null>();
    for (const [key, draft] of this.#drafts) changes.set(key, draft.values.size === 0 ? null : draft);
    return this.#base.update(changes);
  }

  #draft(type: number, name: string): Map<string, string> {
    const key = resourceKey(type, name);
    const known = this.#drafts.get(key);
    if (known !== undefined) return known.values;
    const values = new Map(this.#base.get(type, name));
    this.#drafts.set(key, { type, name, values });
    return values;
  }
}
