/** Native packages are loaded at their first use, synchronously, so that a node which never needs them starts without. */
import { createRequire } from 'node:module';

export const requireModule: NodeJS.Require = createRequire(import.meta.url);
