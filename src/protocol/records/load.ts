/** Loads native packages at their first use, synchronously, so that a node that never needs them does not load them. */
import { createRequire } from 'node:module';

export const requireModule: NodeJS.Require = createRequire(import.meta.url);

// A cache of loaded modules, not state. `require` has one too, but looks the name up in the file system first.
const loaded = new Map<string, unknown>();

/** The exports of a package or of a module of Node. */
export function lazily<T>(name: string): T {
  let module = loaded.get(name);
  if (module === undefined) {
    module = requireModule(name);
    loaded.set(name, module);
  }
  return module as T;
}
