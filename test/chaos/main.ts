/**
 * `npm run chaos`: rounds of faults against three real nodes, until the time has passed or a round fails. See README.md.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './machine.ts';
import type { Family } from './nemesis.ts';
import { prepare, runRound } from './round.ts';

export { families } from './nemesis.ts';

/** The options of `scripts/chaos.mjs`. */
interface Options {
  readonly minutes: number;
  /** The seed of the first round; each later round has the next one. */
  readonly seed: number;
  readonly roundSeconds: number;
  readonly families: readonly Family[];
  /** A Python interpreter that has confluent-kafka. */
  readonly python: string;
  /** A Kafka distribution, whose Java clients take part; '': none. */
  readonly kafka: string;
  /** Histories and logs of rounds that failed. */
  readonly dir: string;
  /** Whether further rounds follow one that failed. */
  readonly keepsGoing: boolean;
}

const root = new URL('../../', import.meta.url).pathname;

function missing(python: string): string[] {
  const wanted: [string, string, string[]][] = [
    ['ip (iproute2)', 'ip', ['-V']],
    ['nft (nftables)', 'nft', ['--version']],
    ['nsenter (util-linux)', 'nsenter', ['--version']],
    ['gcc', 'gcc', ['--version']],
    ['mkfs.ext4 (e2fsprogs)', 'mkfs.ext4', ['-V']],
    ['confluent-kafka for Python (--python)', python, ['-c', 'import confluent_kafka']],
  ];
  const problems: string[] = [];
  if (process.platform !== 'linux' || process.getuid?.() !== 0) problems.push('root on Linux');
  for (const [name, command, options] of wanted) {
    try {
      run(command, options);
    } catch {
      problems.push(name);
    }
  }
  return problems;
}

export async function chaos(args: Options): Promise<void> {
  const lacking = missing(args.python);
  if (lacking.length > 0) {
    console.error(`chaos needs: ${lacking.join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const untilMs = performance.now() + args.minutes * 60_000;
  const totals = new Map<string, number>();
  let failed = 0;
  let rounds = 0;
  for (let seed = args.seed; performance.now() < untilMs; seed++) {
    rounds++;
    const path = join(args.dir, `seed-${seed}`);
    prepare(path);
    const startMs = performance.now();
    const result = await runRound({
      seed,
      faultsMs: args.roundSeconds * 1000,
      families: args.families,
      clients: {
        python: args.python,
        kafka: args.kafka === '' || !existsSync(args.kafka) ? null : args.kafka,
      },
      bin: join(root, 'bin'),
      path,
    }).catch((error: unknown) => ({
      violations: [
        `the round broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      ],
      counts: {},
      faults: [],
      setting: '',
    }));
    for (const [name, count] of Object.entries(result.counts))
      totals.set(name, (totals.get(name) ?? 0) + count);
    const seconds = Math.round((performance.now() - startMs) / 1000);
    const isGood = result.violations.length === 0;
    console.log(
      `seed ${seed}: ${isGood ? 'good' : 'FAILED'} in ${seconds} s, ${result.faults.length} faults, ${JSON.stringify(result.counts)} (${result.setting})`,
    );
    if (isGood) rmSync(path, { recursive: true, force: true });
    else {
      failed++;
      for (const text of result.faults) console.log(`  ${text}`);
      for (const text of result.violations.slice(0, 40)) console.log(`  VIOLATION ${text}`);
      console.log(`  history and logs: ${path}; again: npm run chaos -- --seed ${seed} --minutes 1`);
      if (!args.keepsGoing) break;
    }
  }
  console.log(`${rounds} rounds, ${failed} failed; ${JSON.stringify(Object.fromEntries(totals))}`);
  process.exitCode = failed > 0 ? 1 : 0;
}
