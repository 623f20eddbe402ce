/**
 * Finds the properties file that a command line names. Guides for Apache Kafka name files of its download:
 * `config/server.properties` (4.x) or `config/kraft/server.properties` (3.x). When these do not exist in the folder of our
 * installation, our file of that name in `kraft-config/` is used.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { packageFile } from '../bendemann/package-file.ts';
import { ToolError } from '../tool.ts';

/** The folder of this installation, in which package.json is. */
export const installationRoot = dirname(packageFile());
const ours = 'kraft-config';

/** Returns the text of a properties file. When there is none, throws a `ToolError` that names our files. */
export function readPropertiesFile(path: string, root: string = installationRoot): string {
  const found = existsSync(path) ? path : (standIn(path, root) ?? path);
  try {
    return readFileSync(found, 'utf8');
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code !== 'ENOENT') throw new ToolError(`The properties file ${path} can't be read: ${message}`);
    throw new ToolError(missing(path, root));
  }
}

/** Returns the path of our file when `path` is that of a file in Kafka's download; otherwise null. */
function standIn(path: string, root: string): string | null {
  const name = basename(path);
  // The file of Kafka 4 has a dynamic quorum (format --standalone), as has reconfig-server.properties of Kafka 3.9. The
  // server.properties of Kafka 3 has a static quorum.
  const names = new Map([
    [join('config', name), name === 'server.properties' ? 'reconfig-server.properties' : name],
    [join('config', 'kraft', name), name],
  ]);
  const own = names.get(relative(root, resolve(path)));
  const file = own === undefined ? null : join(root, ours, own);
  return file !== null && existsSync(file) ? file : null;
}

function missing(path: string, root: string): string {
  const folder = join(root, ours);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.properties')) : [];
  const where = `The properties file ${path} does not exist${isAbsolute(path) ? '' : ` in ${process.cwd()}`}.`;
  if (names.length === 0) return `${where}\n`;
  const near = names.includes(basename(path)) ? basename(path) : 'server.properties';
  const shown = relative(process.cwd(), folder);
  const best = shown.startsWith('..') ? join(folder, near) : join(shown, near);
  return `${where}\nThe files that come with Bendemann are in ${folder}${sep}: ${names.join(', ')}\nYou probably mean ${best}\n`;
}
