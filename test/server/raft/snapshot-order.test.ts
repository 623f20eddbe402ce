import { expect, test } from 'vitest';
import { systemClock, systemScheduler } from '../../../src/adapters/clock.ts';
import { createSystemRandom } from '../../../src/adapters/random.ts';
import { nodeId } from '../../../src/base/ids.ts';
import type { PeerNetwork } from '../../../src/base/network.ts';
import { uuidZero } from '../../../src/base/uuid.ts';
import { MemoryStore } from '../../../src/raft/memory-store.ts';
import type { SnapshotMeta } from '../../../src/raft/types.ts';
import { openMetadataLog } from '../../../src/server/raft/open-metadata-log.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { identityOf } from '../identity.ts';
import { bytes, eventually, Recorder } from './harness.ts';

/** A store that makes a snapshot durable only when the test lets it. */
class HeldSnapshots extends MemoryStore {
  #release: () => void = () => {};
  readonly #held = new Promise<void>((resolve) => {
    this.#release = resolve;
  });

  release(): void {
    this.#release();
  }

  override async saveSnapshot(meta: SnapshotMeta, content: Uint8Array): Promise<void> {
    await this.#held;
    await super.saveSnapshot(meta, content);
  }
}

test('snapshots: the log is compacted when the snapshot is durable, not before', async () => {
  const store = new HeldSnapshots();
  const fatal: unknown[] = [];
  const id = nodeId(1);
  const log = await openMetadataLog({
    identity: identityOf(id),
    voters: [{ id, directoryId: uuidZero, endpoints: [{ name: 'CONTROLLER', host: 'n1', port: 1 }] }],
    bootstrapServers: [],
    endpoints: [],
    store,
    clock: systemClock,
    scheduler: systemScheduler,
    random: createSystemRandom(),
    peers: { open: () => undefined, accept() {} } as unknown as PeerNetwork,
    logger: silentLogger,
    tuning: { trailingEntries: 0 },
    onFatal: (error) => fatal.push(error),
  });
  const recorder = new Recorder();
  log.addListener(recorder);
  await log.start();
  await eventually('it leads', () => recorder.activeEpoch !== null);
  for (const payload of ['a', 'b', 'c']) await log.propose(bytes(payload), 1);
  const saved = log.saveSnapshot(2, 1, bytes('state'));
  await log.propose(bytes('d'), 1);
  expect(log.status().logStartOffset).toBe(0);
  expect(store.durable.startOffset).toBe(0);
  store.release();
  await saved;
  await eventually('the log is cut', () => store.durable.startOffset === 3);
  expect(fatal).toEqual([]);
  await log.shutdown();
});
