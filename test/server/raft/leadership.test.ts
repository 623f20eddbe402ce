import { expect, test } from 'vitest';
import type { MetadataLogListener } from '../../../src/raft/api.ts';
import type { RaftCore } from '../../../src/raft/core.ts';
import { Leadership } from '../../../src/server/raft/leadership.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { Recorder } from './harness.ts';

test('leadership: a leader is active when an entry of its epoch was delivered, not when it is elected', () => {
  const recorder = new Recorder();
  const role = { name: 'leader', startOffset: 7 };
  const core = { state: { epoch: 3, role }, leaderId: 1 } as unknown as RaftCore;
  const tell = (call: (listener: MetadataLogListener) => void): void => call(recorder);
  const leadership = new Leadership({ core, logger: silentLogger, tell });
  leadership.update();
  // All entries that this node knows to be committed have been delivered. An old leader may have committed more, so the node is
  // not active yet.
  leadership.delivered(7);
  expect(recorder.events).toEqual(['leader 1 3']);
  leadership.delivered(8);
  leadership.delivered(9);
  expect(recorder.events).toEqual(['leader 1 3', 'activated 3']);
  role.name = 'resigned';
  expect(leadership.update()).toBe(true);
  expect(recorder.events.at(-1)).toBe('deactivated 3');
});
