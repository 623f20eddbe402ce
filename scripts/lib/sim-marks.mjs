/** Finds the coverage marks in the sources: calls `mark('area.what')`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which world must reach the marks of a file: the world `raft` those of src/raft/, the world `cluster` all others. */
const owner = (file) => (file.startsWith('raft/') ? 'raft' : 'cluster');

export function marksOf(src, world, reached) {
  const known = [];
  for (const entry of readdirSync(src, { recursive: true })) {
    const file = String(entry).replaceAll('\\', '/');
    if (!file.endsWith('.ts') || owner(file) !== world) continue;
    for (const [, name] of readFileSync(join(src, file), 'utf8').matchAll(/\bmark\('([^']+)'\)/g))
      known.push(name);
  }
  return { known, missing: known.filter((name) => !reached.has(name)) };
}
