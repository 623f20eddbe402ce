/**
 * `npm run chaos`: rounds of faults against three real nodes, until the time is over or a round fails. See README.md.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './machine.ts';
import { families, type Family } from './nemesis.ts';
import { prepare, runRound } from './round.ts';

const { values: args } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'round-seconds': { type: 'string', default: '60' },
    families: { type: 'string', default: families.join(',') },
    python: { type: 'string', default: process.env['CHAOS_PYTHON'] ?? 'python3' },
    kafka: { type: 'string', default: process.env['CHAOS_KAFKA'] ?? '' },
    dir: { type: 'string', default: '/tmp/bendemann-chaos' },
    'keep-going': { type: 'boolean', default: false },
  },
});

const root = new URL('../../', import.meta.url).pathname;

function missing(): string[] {
  const wanted: [string, string, string[]][] = [
    ['ip (iproute2)', 'ip', ['-V']],
    ['nft (nftables)', 'nft', ['--version']],
    ['nsenter (util-linux)', 'nsenter', ['--version']],
    ['gcc', 'gcc', ['--version']],
    ['mkfs.ext4 (e2fsprogs)', 'mkfs.ext4', ['-V']],
    ['confluent-kafka for Python (--python)', args.python, ['-c', 'import confluent_kafka']],
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

async function main(): Promise<void> {
  const lacking = missing();
  if (lacking.length > 0) {
    console.error(`chaos needs: ${lacking.join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const untilMs = performance.now() + Number(args.minutes) * 60_000;
  const chosen = families.filter((family): family is Family => args.families.split(',').includes(family));
  const totals = new Map<string, number>();
  let failed = 0;
  let rounds = 0;
  for (let seed = Number(args.seed); performance.now() < untilMs; seed++) {
    rounds++;
    const path = join(args.dir, `seed-${seed}`);
    prepare(path);
    const startMs = performance.now();
    const result = await runRound({
      seed,
      faultsMs: Number(args['round-seconds']) * 1000,
      families: chosen,
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
      if (!args['keep-going']) break;
    }
  }
  console.log(`${rounds} rounds, ${failed} failed; ${JSON.stringify(Object.fromEntries(totals))}`);
  process.exitCode = failed > 0 ? 1 : 0;
}

await main();
