/**
 * `npm run chaos`: causes faults in three real nodes that stock clients use, and checks the history of what the clients saw
 * (test/chaos/README.md). The TypeScript sources are first bundled into one file that Node.js can run.
 *
 * usage: node scripts/chaos.mjs [--minutes N] [--seed S] [--round-seconds N] [--families a,b] [--keep-going]
 *         [--python PATH] [--kafka FOLDER] [--dir FOLDER]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ready, root } from './lib/ready.mjs';

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
await import(pathToFileURL(join(out, 'main.mjs')).href);
