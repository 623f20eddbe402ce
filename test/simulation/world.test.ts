import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/clock.ts';
import type { Channel, Connection, MessageStream, PeerMessage } from '../../src/base/network.ts';
import { SimulatedHost } from '../../src/simulation/host.ts';
import { inMacrotask } from '../../src/simulation/macrotask.ts';
import { SimulatedNetwork } from '../../src/simulation/network.ts';
import { World } from '../../src/simulation/world.ts';

interface Numbered extends PeerMessage {
  readonly number: number;
}

const channel: Channel<Numbered, Numbered> = { name: 'raft' };

function twoHosts(seed: number) {
  const world = new World(seed);
  const network = new SimulatedNetwork(world);
  const [a, b] = [new SimulatedHost(world, 'a'), new SimulatedHost(world, 'b')];
  const [lifeA, lifeB] = [a.boot(), b.boot()];
  return {
    world,
    network,
    a,
    b,
    lifeA,
    lifeB,
    portsA: network.join(a, lifeA),
    portsB: network.join(b, lifeB),
  };
}

describe('World', () => {
  test('runs pending promises between two events', async () => {
    await inMacrotask(() => {
      const world = new World(1);
      const life = new SimulatedHost(world, 'a').boot();
      const seen: string[] = [];
      void (async () => {
        await sleep(life, 10);
        seen.push(`first at ${world.nowMs}`);
        await Promise.resolve();
        await sleep(life, 5);
        seen.push(`second at ${world.nowMs}`);
      })();
      life.after(12, () => seen.push('between'));
      world.run(1000);
      expect(seen).toEqual(['first at 10', 'between', 'second at 15']);
    });
  });

  test('throws when it is run inside a microtask', async () => {
    await Promise.resolve();
    expect(() => new World(1).run(1)).toThrow(/inMacrotask/);
  });

  test('timers of a crashed incarnation never run', async () => {
    await inMacrotask(() => {
      const world = new World(1);
      const host = new SimulatedHost(world, 'a');
      let ran = false;
      host.boot().after(10, () => {
        ran = true;
      });
      host.crash();
      world.run(1000);
      expect(ran).toBe(false);
    });
  });

  test('a paused host runs its due timers when it resumes', async () => {
    await inMacrotask(() => {
      const world = new World(1);
      const host = new SimulatedHost(world, 'a');
      let at = 0;
      host.boot().after(10, () => {
        at = world.nowMs;
      });
      host.pause();
      world.run(200);
      expect(at).toBe(0);
      host.resume();
      world.run(300);
      expect(at).toBe(200);
    });
  });
});

describe('SimulatedNetwork', () => {
  test('messages arrive in order, and a kill breaks the stream on the other side', async () => {
    await inMacrotask(() => {
      const { world, network, a, lifeA, portsA, portsB } = twoHosts(7);
      const got: number[] = [];
      let closed: string | null = null;
      portsB.peers.accept(channel, (stream) => {
        stream.onMessage = (message) => got.push(message.number);
        stream.onClose = (error) => {
          closed = error?.message ?? 'clean';
        };
      });
      void portsB.network.listen({ host: 'b', port: 9093 }, () => {});
      let stream: MessageStream<Numbered, Numbered> | undefined;
      lifeA.after(1, () => {
        stream = portsA.peers.open({ host: 'b', port: 9093 }, channel);
        for (let i = 0; i < 50; i++) stream.send({ type: 'one', number: i });
      });
      world.run(1000);
      expect(got).toEqual(Array.from({ length: 50 }, (_, i) => i));
      a.crash();
      network.crashed(lifeA, true);
      world.run(2000);
      expect(closed).toContain('ECONNRESET');
    });
  });

  test.each([
    ['a kill while the link is cut', true],
    ['the end of a process together with its network', false],
  ])('the other side gets to know of %s when the host is back and the link heals', async (_, isKill) => {
    await inMacrotask(() => {
      const { world, network, a, b, lifeA, portsA, portsB } = twoHosts(9);
      let closedMs = 0;
      portsB.peers.accept(channel, (stream) => {
        stream.onClose = () => {
          closedMs = world.nowMs;
        };
      });
      void portsB.network.listen({ host: 'b', port: 9093 }, () => {});
      lifeA.after(1, () => void portsA.peers.open({ host: 'b', port: 9093 }, channel));
      world.run(100);
      network.partitions.cut('a', 'b');
      a.crash();
      network.crashed(lifeA, isKill);
      world.run(1_000);
      network.join(a, a.boot());
      world.run(2_000);
      expect(closedMs).toBe(0);
      network.partitions.heal();
      world.run(4_000);
      expect(closedMs).toBeGreaterThan(2_000);
      network.resetBetween(a, b);
    });
  });

  test('a cut link holds messages back until it heals', async () => {
    await inMacrotask(() => {
      const { world, network, lifeA, portsA, portsB } = twoHosts(8);
      const got: number[] = [];
      void portsB.network.listen({ host: 'b', port: 9092 }, (connection) => {
        connection.onData = (chunk) => got.push(...chunk);
      });
      let connection: Connection | undefined;
      lifeA.after(1, () => {
        void portsA.network.connect({ host: 'b', port: 9092 }, 1000).then((made) => {
          connection = made;
        });
      });
      world.run(100);
      network.partitions.cut('a', 'b');
      connection?.write([Uint8Array.of(1, 2, 3)]);
      world.run(5000);
      expect(got).toEqual([]);
      network.partitions.heal();
      world.run(6000);
      expect(got).toEqual([1, 2, 3]);
    });
  });

  test('the same seed gives the same trace', async () => {
    const trace = (seed: number): Promise<number> =>
      inMacrotask(() => {
        const { world, lifeA, portsA, portsB } = twoHosts(seed);
        void portsB.network.listen({ host: 'b', port: 1 }, () => {});
        portsB.peers.accept(channel, (stream) => {
          stream.onMessage = (message) => world.trace(`${message.number}@${world.nowMs}`);
        });
        lifeA.after(1, () => {
          const stream = portsA.peers.open({ host: 'b', port: 1 }, channel);
          for (let i = 0; i < 9; i++) lifeA.after(i * 3, () => stream.send({ type: 'one', number: i }));
        });
        world.run(1000);
        return world.traceHash;
      });
    expect(await trace(3)).toBe(await trace(3));
    expect(await trace(3)).not.toBe(await trace(4));
  });
});
