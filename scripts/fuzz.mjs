/**
 * `npm run fuzz`: sends random requests to a real node (test/fuzz/README.md). The TypeScript sources are first bundled into one
 * file that Node.js can run. The tests find all messages by listing a folder; in the bundle this becomes a list of imports.
 *
 * usage: npm run fuzz -- [--count N] [--seed S] [--connections N] [--peers N] [--nodes N]
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { scriptOptions } from './lib/options.mjs';
import { ready, root } from './lib/ready.mjs';

const { values } = scriptOptions(import.meta.url, {
  count: { type: 'number', default: 20_000 },
  seed: { type: 'number', default: Date.now() % 1_000_000 },
  connections: { type: 'number', default: 8 },
  peers: { type: 'number', default: 1 },
  nodes: { type: 'number', default: 1 },
});
ready();
const { rolldown } = await import('rolldown');
// The bundle lies as deep as the folders of tests, because the harness finds bin/ by a path relative to its own file.
const out = join(root, 'node_modules/.fuzz/bundle');
mkdirSync(out, { recursive: true });

const messages = join(root, 'src/protocol/messages');
const listOfMessages = {
  name: 'list-of-messages',
  load(id) {
    if (!id.endsWith('all-messages.ts')) return null;
    const files = readdirSync(messages, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const imports = files.map((file, i) => `import * as m${i} from ${JSON.stringify(join(messages, file))};`);
    const all = files.map((_, i) => `...Object.values(m${i})`).join(', ');
    const isMessage =
      "(one) => typeof one === 'object' && one !== null && 'flexible' in one && 'fields' in one";
    if (files.length < 60)
      throw new Error(`only ${files.length} files with messages were found in ${messages}`);
    return `${imports.join('\n')}\nexport const allMessages = [${all}].filter(${isMessage});`;
  },
};

const bundle = await rolldown({
  input: join(root, 'test/fuzz/main.ts'),
  platform: 'node',
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  plugins: [listOfMessages],
  logLevel: 'silent',
});
await bundle.write({ dir: out, format: 'esm', entryFileNames: 'main.mjs', codeSplitting: false });
await bundle.close();
const { fuzz } = await import(pathToFileURL(join(out, 'main.mjs')).href);
await fuzz(values);
