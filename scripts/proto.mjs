/**
 * Makes src/wire/descriptor.ts from proto/*.proto, so that a node does not have to parse these files at each start.
 * `npm run check` calls it with --check, which fails when the descriptor does not match proto/.
 *
 * usage: node scripts/proto.mjs [--check]
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scriptOptions } from './lib/options.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
/** The parser on which @grpc/proto-loader is built. */
const protobuf = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs');

/**
 * Files that do not describe messages between nodes but what a node stores, and what clients push. src/base/protobuf.ts reads
 * these formats without a loader.
 */
const otherFiles = ['storage.proto', 'client-metrics.proto'];

/** Returns the descriptor of all files in `folder`, in protobufjs's JSON format. */
export function descriptorOf(folder) {
  const all = new protobuf.Root();
  for (const name of readdirSync(folder).sort())
    if (name.endsWith('.proto') && !otherFiles.includes(name))
      protobuf.parse(readFileSync(join(folder, name), 'utf8'), all);
  all.resolveAll();
  return all.toJSON();
}

/** Returns the text of a TypeScript module, with one message on each line. */
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
    '/**',
    ' * The messages of proto/*.proto in the JSON format that @grpc/proto-loader reads. Generated: edit proto/, then run',
    ' * `node scripts/proto.mjs`.',
    ' */',
    "import type { Namespace } from './checks.ts';",
    '',
    'export const descriptor: Namespace = {nested:{',
    ...lines,
    '}};',
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = scriptOptions(import.meta.url, { check: { type: 'boolean' } });
  const path = join(root, 'src/wire/descriptor.ts');
  const text = moduleOf(descriptorOf(join(root, 'proto')));
  if (!values.check) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error('src/wire/descriptor.ts is not what proto/ says: run `node scripts/proto.mjs`');
    process.exit(1);
  }
}
