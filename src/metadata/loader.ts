/**
 * Turns the committed metadata log into images: entries and snapshots become deltas, deltas become images, publishers hear of both.
 * Keeps the newest image. Entries that are delivered together become one delta.
 */
import { assert } from '../base/assert.ts';
import type { CommittedEntry, LeaderView, MetadataLogListener, MetadataSnapshot } from '../raft/api.ts';
import { MetadataDelta } from './delta.ts';
import type { MetadataImage } from './image.ts';
import { emptyImage } from './image.ts';
import type { MetadataPublisher } from './publisher.ts';
import { decodeRecords } from './records.ts';
import { decodeSnapshot } from './snapshot.ts';

export class MetadataLoader implements MetadataLogListener {
  #image: MetadataImage = emptyImage();
  #leader: LeaderView = { id: null, epoch: -1 };
  readonly #publishers: MetadataPublisher[] = [];

  get image(): MetadataImage {
    return this.#image;
  }

  get leader(): LeaderView {
    return this.#leader;
  }

  /** A publisher that comes late first gets the whole image as a snapshot. */
  addPublisher(publisher: MetadataPublisher): void {
    this.#publishers.push(publisher);
    if (this.#leader.id !== null) publisher.onControllerChange?.(this.#leader);
    if (this.#image.offset < 0) return;
    publisher.onMetadataUpdate(everything(this.#image), this.#image);
  }

  onCommit(entries: readonly CommittedEntry[]): void {
    const last = entries[entries.length - 1];
    if (last === undefined) return;
    const delta = new MetadataDelta(this.#image);
    for (const entry of entries) {
      assert(entry.offset > this.#image.offset, 'entries come in order');
      if (entry.payload.length > 0) delta.replayAll(decodeRecords(entry.payload));
    }
    this.#publish(delta, last.offset, last.epoch);
  }

  onSnapshot(snapshot: MetadataSnapshot): void {
    const delta = new MetadataDelta(this.#image, { isSnapshot: true });
    for (const record of decodeSnapshot(snapshot.bytes)) delta.replay(record);
    this.#publish(delta, snapshot.offset, snapshot.epoch);
  }

  onLeaderChange(leader: LeaderView): void {
    this.#leader = leader;
    for (const publisher of this.#publishers) publisher.onControllerChange?.(leader);
  }

  onActivated(): void {}

  onDeactivated(): void {}

  #publish(delta: MetadataDelta, offset: number, epoch: number): void {
    this.#image = delta.apply(offset, epoch);
    for (const publisher of this.#publishers) publisher.onMetadataUpdate(delta, this.#image);
  }
}

function everything(image: MetadataImage): MetadataDelta {
  return MetadataDelta.between(emptyImage(), image);
}
