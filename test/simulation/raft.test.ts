import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error plain JavaScript, as scripts are
import { bundleWorld, loadWorld } from '../../scripts/lib/sim-bundle.mjs';
import { listenToMarks } from '../../src/base/mark.ts';
import { raftWorld } from '../../src/simulation/raft/world.ts';
import {
  type Hunt,
  hunt,
  type SimulationResult,
  shrink,
  type SimulationWorld,
} from '../../src/simulation/run.ts';

function replay({ seed, violation }: SimulationResult): string {
  return `${violation?.invariant}: ${violation?.message}\nnpm run sim -- --world raft --seed ${seed} --trace`;
}

describe('the world of raft alone', () => {
  const from = Number(process.env['SEED'] ?? 1);
  const count = Number(process.env['SEEDS'] ?? 100);

  test(`${count} seeds from ${from}: every invariant holds after every event, and what heals converges`, () => {
    const marks = new Set<string>();
    listenToMarks((name) => marks.add(name));
    const { found, events } = hunt(from, from + count - 1, raftWorld);
    listenToMarks(null);
    expect(found === null ? null : replay(found)).toBe(null);
    expect(events).toBeGreaterThan(count * 1000);
    // Marks are placed in rarely executed code; enough of them must have been reached. `npm run sim -- --world raft --marks`
    // lists the others.
    if (count >= 100) expect(marks.size).toBeGreaterThan(10);
  });

  test('a seed always gives the same run, with and without a trace', () => {
    for (const seed of [8, 14, 27]) {
      const one = raftWorld.run({ seed });
      const other = raftWorld.run({ seed, onTrace: () => {} });
      expect(other).toEqual(one);
    }
  });

  test('different seeds give different runs', () => {
    const hashes = new Set([1, 2, 3, 4, 5].map((seed) => raftWorld.run({ seed }).traceHash));
    expect(hashes.size).toBe(5);
  });

  test('a skipped fault does not change the faults before it', () => {
    const seed = 14;
    const all = raftWorld.run({ seed }).faults;
    expect(all.length).toBeGreaterThan(5);
    const left = all[4]?.number as number;
    const rest = raftWorld.run({ seed, skip: new Set([left]) }).faults;
    expect(rest.map(({ number }) => number)).not.toContain(left);
    expect(rest.slice(0, 4)).toEqual(all.slice(0, 4));
  });

  test('without a family of faults none of its faults happens', () => {
    for (const seed of [14, 27]) {
      const families = new Set(raftWorld.run({ seed }).faults.map(({ family }) => family));
      for (const family of families) {
        const { faults } = raftWorld.run({ seed, without: new Set([family]) });
        expect(faults.filter((fault) => fault.family === family)).toEqual([]);
      }
    }
  });
});

test('npm run sim gives the same run of a seed in its own processes', () => {
  const run = (...args: string[]): { status: number | null; stdout: string } =>
    spawnSync(process.execPath, ['scripts/sim.mjs', '--world', 'raft', ...args], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
  const { traceHash, events } = raftWorld.run({ seed: 27 });
  const replayed = run('--seed', '27', '--trace');
  expect(replayed.stdout).toContain(`trace ${traceHash.toString(16).padStart(8, '0')}`);
  expect(replayed.stdout).toContain('heal the quorum');
  expect(replayed.status).toBe(0);
  const many = run('--from', '27', '--seeds', '1', '--jobs', '1');
  expect(many.stdout.replaceAll(' ', '')).toContain(`raft:1seeds,${events}events`);
  expect(many.status).toBe(0);
});

describe('shrinking', () => {
  /** A world that fails only when both fault 3 and fault 8 happen. */
  const world: SimulationWorld = {
    name: 'two',
    families: ['even', 'odd', 'idle'],
    run({ seed, without = new Set(), skip = new Set() }) {
      const numbers = Array.from({ length: 40 }, (_, number) => number).filter((number) => !skip.has(number));
      const faults = numbers
        .map((number) => ({ number, family: number % 2 === 0 ? 'even' : 'odd', text: '' }))
        .filter(({ family }) => !without.has(family));
      const fails = [3, 8].every((wanted) => faults.some(({ number }) => number === wanted));
      const violation = fails && seed > 0 ? { invariant: 'I0 example', message: '' } : null;
      return { seed, events: 1, traceHash: 0, virtualMs: 0, faults, violation };
    },
  };

  test('keeps only the faults without which the seed does not fail', () => {
    const { without = new Set(), skip = new Set() } = shrink(world, 1);
    expect([...without]).toEqual(['idle']);
    const { faults, violation } = world.run({ seed: 1, without, skip });
    expect(faults.map(({ number }) => number)).toEqual([3, 8]);
    expect(violation).not.toBe(null);
  });

  test('runs a seed that does not fail once', () => {
    expect(shrink(world, 0)).toMatchObject({ runs: 1 });
  });
});

/**
 * Bugs that the simulation must find: some that other Raft implementations had, and some in the driver. `npm run mutants` tries
 * many more.
 */
const mutants: readonly (readonly [name: string, file: string, from: string, to: string])[] = [
  [
    'compares logs by length only',
    'raft/role/election.ts',
    'if (request.lastEpoch !== state.log.lastEpoch)',
    'if (false)',
  ],
  [
    'votes before the vote is durable',
    'raft/role/election.ts',
    'state.sendDurably(from.id, answer(state, request, granted));',
    'state.send(from.id, answer(state, request, granted));',
  ],
  [
    'a majority is one less',
    'raft/quorum.ts',
    'values[majority(values.length) - 1]',
    'values[Math.max(0, majority(values.length) - 2)]',
  ],
  [
    'replaces entries that are equal',
    'raft/role/follower.ts',
    '    if (entry.offset >= state.log.endOffset || state.log.epochAt(entry.offset) !== entry.epoch) break;',
    '    break;',
  ],
  [
    'promises leave before they are durable',
    'simulation/raft/replica.ts',
    'for (const waiting of effects.sendAfter) this.#afterSeq.push(waiting);',
    'for (const waiting of effects.sendAfter) this.#send(waiting.outbound);',
  ],
  [
    'the hard state is not stored',
    'simulation/raft/disk.ts',
    'this.hardState = op.hardState;',
    'this.hardState = { ...op.hardState, votedFor: null };',
  ],
];

describe('mutants', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bendemann-simulation-'));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  test.each(mutants)('the simulation finds the mutant: %s', async (name, file, from, to) => {
    const root = join(directory, name.replaceAll(/\W+/g, '-'));
    for (const folder of ['base', 'raft', 'simulation']) {
      await cp(join('src', folder), join(root, folder), { recursive: true });
    }
    const source = await readFile(join(root, file), 'utf8');
    expect(source.split(from), `'${from}' in ${file}`).toHaveLength(2);
    await writeFile(join(root, file), source.replace(from, to));
    const bundled = await loadWorld(await bundleWorld(root, 'raft', join(root, 'out')));
    const { found, seeds }: Hunt = bundled.hunt(1, 300, bundled.world);
    console.log(
      `${name}: ${found === null ? `not in ${seeds} seeds` : `seed ${found.seed}: ${replay(found)}`}`,
    );
    expect(found).not.toBe(null);
  });
});
