/**
 * Turns the committed metadata log into images. Entries and snapshots become deltas, deltas become images, and the publishers
 * get both. Entries that are delivered together become one delta. A snapshot is applied in slices; until it is complete, the
 * previous image is the current one.
 */
import { assert } from '../base/assert.ts';
import type { Clock, Scheduler } from '../base/clock.ts';
import { Slices } from '../base/slices.ts';
import type { CommittedEntry, LeaderView, MetadataLogListener, MetadataSnapshot } from '../raft/api.ts';
import { MetadataDelta } from './delta.ts';
import type { MetadataImage } from './image.ts';
import { emptyImage } from './image.ts';
import type { MetadataPublisher } from './publisher.ts';
import { decodeRecords } from './records.ts';
import { snapshotPayloads } from './snapshot.ts';

export class MetadataLoader implements MetadataLogListener {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  #image: MetadataImage = emptyImage();
  #leader: LeaderView = { id: null, epoch: -1 };
  readonly #publishers: MetadataPublisher[] = [];
  /** The delta from the empty image to the current one, for publishers that are added later. Null: not computed yet. */
  #everything: MetadataDelta | null = null;

  constructor(clock: Clock, scheduler: Scheduler) {
    this.#clock = clock;
    this.#scheduler = scheduler;
  }

  get image(): MetadataImage {
    return this.#image;
  }

  get leader(): LeaderView {
    return this.#leader;
  }

  /** Adds a publisher. If there is an image already, the publisher gets it at once, as a snapshot. */
  addPublisher(publisher: MetadataPublisher): void {
    this.#publishers.push(publisher);
    if (this.#leader.id !== null) publisher.onControllerChange?.(this.#leader);
    if (this.#image.offset < 0) return;
    this.#everything ??= MetadataDelta.between(emptyImage(), this.#image);
    publisher.onMetadataUpdate(this.#everything, this.#image);
  }

  onCommit(entries: readonly CommittedEntry[]): void {
    const last = entries[entries.length - 1];
    if (last === undefined) return;
    const delta = new MetadataDelta(this.#image);
    for (const entry of entries) {
      assert(entry.offset > this.#image.offset, 'entries come in order');
      if (entry.payload.length > 0) delta.replayAll(decodeRecords(entry.payload));
    }
    this.#publish(delta, delta.apply(last.offset, last.epoch));
  }

  async onSnapshot(snapshot: MetadataSnapshot): Promise<void> {
    const before = this.#image;
    const slices = new Slices(this.#clock, this.#scheduler);
    const delta = new MetadataDelta(before, { isSnapshot: true });
    for (const payload of snapshotPayloads(snapshot.bytes)) {
      delta.replayAll(decodeRecords(payload));
      if (slices.isOver) await slices.yieldTurn();
    }
    const steps = delta.applySnapshot(snapshot.offset, snapshot.epoch);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) if (slices.isOver) await slices.yieldTurn();
    assert(this.#image === before, 'no entry is delivered while a snapshot is applied');
    this.#publish(delta, step.value);
  }

  onLeaderChange(leader: LeaderView): void {
    this.#leader = leader;
    for (const publisher of this.#publishers) publisher.onControllerChange?.(leader);
  }

  onActivated(): void {}

  onDeactivated(): void {}

  #publish(delta: MetadataDelta, image: MetadataImage): void {
    this.#image = image;
    this.#everything = null;
    for (const publisher of this.#publishers) publisher.onMetadataUpdate(delta, image);
  }
}
