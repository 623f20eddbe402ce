/**
 * Makes src/wire/descriptor.ts from proto/*.proto: what @grpc/proto-loader would parse at every start, parsed once.
 * `npm run check` compares the two.
 *
 * usage: node scripts/proto.mjs [--check]
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
/** The parser that comes with @grpc/proto-loader. */
const protobuf = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs');

/** Not between nodes: src/base/protobuf.ts writes what it describes. */
const storageFile = 'storage.proto';

/** The descriptors of all files in `folder` as protobufjs writes them. */
export function descriptorOf(folder) {
  const all = new protobuf.Root();
  for (const name of readdirSync(folder).sort())
    if (name.endsWith('.proto') && name !== storageFile)
      protobuf.parse(readFileSync(join(folder, name), 'utf8'), all);
  all.resolveAll();
  return all.toJSON();
}

/** A TypeScript module, one message a line. */
function moduleOf(descriptor) {
  const lines = [];
  const write = (value, indent) => {
    for (const [name, inner] of Object.entries(value.nested)) {
      const { nested, ...rest } = inner;
      const isNamespace = nested !== undefined && rest.fields === undefined;
      if (!isNamespace) lines.push(`${indent}${JSON.stringify(name)}:${JSON.stringify(inner)},`);
      else {
        lines.push(`${indent}${JSON.stringify(name)}:{nested:{`);
        write(inner, `${indent} `);
        lines.push(`${indent}}},`);
      }
    }
  };
  write(descriptor, ' ');
  return [
    '/** The messages of proto/ as the loader takes them. Made by scripts/proto.mjs: change proto/ and run it. */',
    "import type { Namespace } from './checks.ts';",
    '',
    'export const descriptor: Namespace = {nested:{',
    ...lines,
    '}};',
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = join(root, 'src/wire/descriptor.ts');
  const text = moduleOf(descriptorOf(join(root, 'proto')));
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error('src/wire/descriptor.ts is not what proto/ says: run `node scripts/proto.mjs`');
    process.exit(1);
  }
}
