/**
 * The second half of the build. It bundles the modules that tsc wrote to dist/ into a few files in dist/tools/: loading four
 * hundred small modules takes a starting node more time than running it (390 against 165 ms of CPU). The launchers use
 * dist/tools/ only when it is as new as the rest of dist/, so during development a plain `tsc` is enough.
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
  // Packages are not bundled, because some contain native code. gRPC and @grpc/proto-loader are the exception: they have some
  // two hundred files, and load a third faster as one part of the bundle.
  external: (id) => isPackage(id) && !isWire(id),
});
// dist/tools/ lies at the same depth as dist/cli/, so paths that start from import.meta.url stay right.
await bundle.write({
  dir: join(dist, 'tools'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'part-[name]-[hash].js',
});
await bundle.close();
