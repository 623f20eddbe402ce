/** Loads packages synchronously when they are first used, so that a node that never uses them does not load them. */
import { createRequire } from 'node:module';

export const requireModule: NodeJS.Require = createRequire(import.meta.url);

// Cache of the exports by package name. `require` has a cache too, but it first looks up the name in the file system.
const loaded = new Map<string, unknown>();

/** The exports of a package or of one of Node's modules. */
export function lazily<T>(name: string): T {
  let module = loaded.get(name);
  if (module === undefined) {
    module = requireModule(name);
    loaded.set(name, module);
  }
  return module as T;
}
