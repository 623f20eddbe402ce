/** Writes docs/tools.md. Run: node scripts/docs/tools.mjs */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolsPage } from './tools-table.mjs';

const root = join(import.meta.dirname, '../..');
const options = JSON.parse(readFileSync(join(root, 'test/cli/kafka-options.json'), 'utf8'));
writeFileSync(join(root, 'docs/tools.md'), toolsPage(options));
