import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inMacrotask, SeededRandom, simulate, SimulatedHost, World } from '../../src/testing/index.ts';

/** The text of docs/simulation.md, whose examples these tests run. */
const docs = readFileSync('docs/simulation.md', 'utf8');

function isInDocs(body: string): boolean {
  const squeeze = (text: string): string => text.replace(/\s+/g, ' ').trim();
  return squeeze(docs).includes(squeeze(body));
}

describe('an example of the guide', () => {
  test('a record survives the end of its leader', async () => {
    const value = await simulate({ seed: 42, nodeCount: 3 }, (cluster) => {
      cluster.start();
      cluster.await(cluster.createTopic('orders'));
      cluster.await(cluster.producer().send({ topic: 'orders', partition: 0, value: Buffer.from('one') }));
      const leader = cluster.leaderOf('orders', 0);
      if (leader !== null) cluster.crash(leader, 'power');
      const [record] = cluster.await(cluster.read('orders', 0, 1));
      return String(record?.value);
    });
    expect(value).toBe('one');
  });

  test('a machine of one’s own runs its timers until it crashes', async () => {
    const ticks = await inMacrotask(() => {
      const world = new World(1);
      const host = new SimulatedHost(world, 'a');
      const life = host.boot();
      const seen: number[] = [];
      const tick = (): void => {
        seen.push(life.monotonicMs());
        life.after(10, tick);
      };
      tick();
      world.run(25);
      host.crash();
      world.run(1_000);
      return seen;
    });
    expect(ticks).toEqual([0, 10, 20]);
  });

  test('is printed in the guide', () => {
    const source = readFileSync('test/testing/scenario.test.ts', 'utf8');
    const examples = [...source.matchAll(/await (simulate|inMacrotask)\([\s\S]*?\n {4}\}\);/g)];
    expect(examples.length).toBe(2);
    for (const [example] of examples) expect(isInDocs(example), example).toBe(true);
  });

  test('the same scenario gives the same run', async () => {
    const run = () =>
      simulate({ seed: 9, nodeCount: 1 }, (cluster) => {
        cluster.start();
        cluster.run(2_000);
        return [cluster.world.traceHash, cluster.world.eventCount];
      });
    expect(await run()).toEqual(await run());
  });

  test('forked random numbers do not depend on earlier draws', () => {
    const [one, two] = [new SeededRandom(3), new SeededRandom(3)];
    one.u32();
    expect(one.fork('a').u32()).toBe(two.fork('a').u32());
  });

  test('the package exports the simulation with its types', () => {
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      exports: Record<string, { default: string; types: string }>;
    };
    const entry = exports['./simulation'];
    expect(entry?.types).toBe(entry?.default.replace(/\.js$/, '.d.ts'));
    expect(existsSync(entry?.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts') ?? '')).toBe(true);
  });
});
