/**
 * Finds this package's package.json, above the folder of this module. The module may run from dist/ or from the bundle in
 * dist/tools/.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export function packageFile(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (existsSync(path) || folder === dirname(folder)) return path;
  }
}
