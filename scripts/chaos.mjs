/**
 * `npm run chaos`: causes faults in three real nodes that stock clients use, and checks the history of what the clients saw
 * (test/chaos/README.md). The TypeScript sources are first bundled into one file that Node.js can run.
 *
 * usage: npm run chaos -- [--minutes N] [--seed S] [--round-seconds N] [--families a,b] [--keep-going]
 *         [--python PATH] [--kafka FOLDER] [--dir FOLDER]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { scriptOptions } from './lib/options.mjs';
import { ready, root } from './lib/ready.mjs';

const { values, refuse } = scriptOptions(import.meta.url, {
  minutes: { type: 'number', default: 10 },
  seed: { type: 'number', default: Date.now() % 1_000_000 },
  'round-seconds': { type: 'number', default: 60 },
  families: { type: 'string' },
  python: { type: 'string', default: process.env.CHAOS_PYTHON ?? 'python3' },
  kafka: { type: 'string', default: process.env.CHAOS_KAFKA ?? '' },
  dir: { type: 'string', default: '/tmp/bendemann-chaos' },
  'keep-going': { type: 'boolean', default: false },
});
ready();
const { rolldown } = await import('rolldown');
const out = join(root, 'node_modules/.chaos');
mkdirSync(out, { recursive: true });
const bundle = await rolldown({
  input: join(root, 'test/chaos/main.ts'),
  platform: 'node',
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  logLevel: 'silent',
});
await bundle.write({ dir: out, format: 'esm', entryFileNames: 'main.mjs', codeSplitting: false });
await bundle.close();
const { chaos, families } = await import(pathToFileURL(join(out, 'main.mjs')).href);
const chosen = values.families?.split(',') ?? families;
const unknown = chosen.find((family) => !families.includes(family));
if (unknown !== undefined)
  refuse(`no family of faults is called '${unknown}'; there are: ${families.join(', ')}`);
await chaos({
  minutes: values.minutes,
  seed: values.seed,
  roundSeconds: values['round-seconds'],
  families: chosen,
  python: values.python,
  kafka: values.kafka,
  dir: values.dir,
  keepsGoing: values['keep-going'],
});
