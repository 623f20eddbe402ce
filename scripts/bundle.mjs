/**
 * Second half of the build: puts the modules that tsc made in dist/ together into few files, dist/tools/, because loading
 * four hundred small modules costs a starting server more than running it (390 against 165 ms of CPU). The launchers take
 * dist/tools/ when it is as new as the rest of dist/, so that a plain `tsc` is enough while developing.
 */
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const dist = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const { tools } = await import(pathToFileURL(join(dist, 'cli/tools.js')).href);

const modules = new Set(tools.map(({ module }) => module));
const input = { entry: join(dist, 'cli/entry.js') };
for (const module of modules) {
  const path = join(dist, 'cli', `${module}.js`);
  if (existsSync(path)) input[module] = path;
}
rmSync(join(dist, 'tools'), { recursive: true, force: true });
const isPackage = (id) => !id.startsWith('.') && !id.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(id);
const isWire = (id) =>
  /(^|node_modules[\\/])(@grpc|@protobufjs|protobufjs|long|lodash\.camelcase|@js-sdsl)([\\/]|$)/.test(id);
const bundle = await rolldown({
  input,
  platform: 'node',
  // Packages stay what they are, for some are native; but gRPC and its loader of messages, which a node loads with its first peer, are
  // some two hundred files: they become one part of the bundle, a third faster to load.
  external: (id) => isPackage(id) && !isWire(id),
});
// dist/tools/ has the folders of dist/cli/: paths from import.meta.url stay right.
await bundle.write({
  dir: join(dist, 'tools'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'part-[name]-[hash].js',
});
await bundle.close();
