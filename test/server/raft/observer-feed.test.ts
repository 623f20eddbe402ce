import { expect, test } from 'vitest';
import { helloOf } from '../../../src/base/hello.ts';
import type { MessageStream, PeerNetwork } from '../../../src/base/network.ts';
import type { RaftCore } from '../../../src/raft/core.ts';
import { ObserverFeed } from '../../../src/server/raft/observer-feed.ts';
import type { RaftStore } from '../../../src/raft/store.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { identityOf } from '../identity.ts';

const observersMax = 10_000;

/** A voter with an empty log. `connect(id)` opens the stream of observer `id` and sends its hello. */
function voter(): { feed: ObserverFeed; connect: (id: number) => { closedWith: string | null } } {
  let accept: (stream: MessageStream) => void = () => {};
  const peers = {
    open: () => expect.fail('an observer feed opens no stream'),
    accept: (_channel: unknown, onStream: typeof accept) => {
      accept = onStream;
    },
  };
  const core = { state: { epoch: 1, voters: { current: [], currentOffset: 0 } }, leaderId: null };
  const feed = new ObserverFeed({
    identity: identityOf(1),
    core: { ...core, deliverableEndOffset: 0 } as unknown as RaftCore,
    store: {} as RaftStore,
    clock: { monotonicMs: () => 0, wallMs: () => 0 },
    scheduler: { after: () => ({ cancel() {} }), soon: (run) => queueMicrotask(run) },
    peers: peers as unknown as PeerNetwork,
    logger: silentLogger,
  });
  feed.start();
  const connect = (id: number): { closedWith: string | null } => {
    const seen: { closedWith: string | null } = { closedWith: null };
    const stream: MessageStream = {
      onMessage() {},
      onClose() {},
      onDrain() {},
      send: () => true,
      close: (reason = 'closed') => {
        seen.closedWith = reason;
      },
    };
    accept(stream);
    stream.onMessage(helloOf(identityOf(id), 1));
    return seen;
  };
  return { feed, connect };
}

test('at most observersMax observers are served; one of them may connect again', () => {
  const { feed, connect } = voter();
  const observers = Array.from({ length: observersMax }, (_, index) => connect(2 + index));
  expect(connect(2 + observersMax).closedWith).toBe('no more observers');
  expect(observers.filter(({ closedWith }) => closedWith !== null)).toEqual([]);
  // When an observer connects again, the voter closes the stream of its former incarnation.
  expect(connect(2).closedWith).toBeNull();
  expect(observers[0]?.closedWith).toBe('closed');
  expect(feed.observers()).toHaveLength(observersMax);
  feed.stop();
});
