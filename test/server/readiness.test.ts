/** What /readyz says of each part of a node. */
import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import type { QuorumStatus } from '../../src/raft/api.ts';
import { readiness } from '../../src/server/http/readiness.ts';

const quorum: QuorumStatus = {
  role: 'follower',
  leaderId: nodeId(2),
  epoch: 5,
  highWatermark: 0,
  logStartOffset: 0,
  logEndOffset: 0,
  voters: [],
  observers: [],
};
const broker = { isFenced: false, controllerSilenceMs: 1_200, sessionTimeoutMs: 9_000 };

test('a node that serves clients is ready, and the body describes each part', () => {
  expect(readiness({ unreadyReason: null, quorum, broker })).toEqual({
    isReady: true,
    body: [
      'ready',
      '[+] clients: requests are handled',
      '[+] quorum: node 2 leads in epoch 5',
      '[+] controller: responded to the last heartbeat 1.2 s ago',
      '[+] broker: in service',
    ].join('\n'),
  });
  const controller = readiness({ unreadyReason: null, quorum: { ...quorum, role: 'leader' }, broker: null });
  expect(controller.body).not.toMatch(/broker/);
});

test('a node without a quorum leader is ready, and the body names what is wrong', () => {
  // A prospective voter keeps the id of the leader that it lost.
  for (const lost of [{ role: 'prospective' }, { role: 'candidate', leaderId: null }] as const) {
    const silent = { ...broker, isFenced: true, controllerSilenceMs: 12_000 };
    const { isReady, body } = readiness({
      unreadyReason: null,
      quorum: { ...quorum, ...lost },
      broker: silent,
    });
    expect(isReady).toBe(true);
    expect(body).toMatch(/\[-\] quorum: no leader/);
    expect(body).toMatch(/\[-\] controller: responded to the last heartbeat 12.0 s ago/);
    expect(body).toMatch(/\[-\] broker: fenced/);
  }
});

test('a node that starts or stops is not ready', () => {
  const { isReady, body } = readiness({ unreadyReason: 'stopping', quorum, broker: null });
  expect(isReady).toBe(false);
  expect(body).toMatch(/^not ready\n\[-\] clients: stopping\n/);
});
