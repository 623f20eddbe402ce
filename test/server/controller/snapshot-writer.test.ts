import { expect, test } from 'vitest';
import { systemScheduler } from '../../../src/adapters/clock.ts';
import { MetadataDelta } from '../../../src/metadata/delta.ts';
import { emptyImage, type MetadataImage } from '../../../src/metadata/image.ts';
import type { MetadataLoader } from '../../../src/metadata/loader.ts';
import { record } from '../../../src/metadata/records.ts';
import { snapshotBytes } from '../../../src/metadata/snapshot.ts';
import type { MetadataLog } from '../../../src/raft/api.ts';
import { SnapshotWriter } from '../../../src/server/controller/snapshot-writer.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';

function topicsAt(offset: number, count: number): MetadataImage {
  const delta = new MetadataDelta(emptyImage());
  for (let i = 0; i < count; i++) {
    const topicId = `AAAAAAAAAAAAAAAA${String(i).padStart(5, '0')}A`;
    delta.replay(record('TopicRecord', { name: `topic-${i}`, topicId }));
  }
  return delta.apply(offset, 1);
}

test('snapshot writer: the offset it gives is that of the image it wrote, whatever is committed meanwhile', async () => {
  // An image so large that the snapshot is written in several steps, between which other work runs.
  const image = topicsAt(5000, 2500);
  const loader = { image };
  const saved = new Promise<{ offset: number; bytes: Uint8Array }>((resolve) => {
    const saveSnapshot = (offset: number, _epoch: number, bytes: Uint8Array): Promise<void> => {
      resolve({ offset, bytes });
      return Promise.resolve();
    };
    const writer = new SnapshotWriter({
      log: { saveSnapshot } as unknown as MetadataLog,
      loader: loader as unknown as MetadataLoader,
      bytesMax: 1,
      intervalMs: 0,
      scheduler: systemScheduler,
      logger: silentLogger,
    });
    writer.onCommit([{ offset: 5000, epoch: 1, payload: new Uint8Array(10), appendedMs: 0 }]);
  });
  loader.image = topicsAt(9000, 10);
  const { offset, bytes } = await saved;
  expect(offset).toBe(5000);
  expect(bytes.length).toBe(snapshotBytes(image).length);
});
