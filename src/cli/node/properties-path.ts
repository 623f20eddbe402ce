/**
 * Finds the properties file of a command line. Guides for Apache Kafka name the files of its download, `config/server.properties`
 * (4.x) or `config/kraft/server.properties` (3.x); from the installation's folder these names mean our files in `kraft-config/`. An
 * existing file is always used itself.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { packageFile } from '../bendemann/package-file.ts';
import { ToolError } from '../tool.ts';

/** The folder of this installation. */
export const installationRoot = dirname(packageFile());
const ours = 'kraft-config';

/** The text of a properties file. Throws `ToolError`, which names our files, when there is none. */
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

/** Our file instead of one of Kafka's download, when `path` is where that would be; null otherwise. */
function standIn(path: string, root: string): string | null {
  const name = basename(path);
  // The file of Kafka 4 and reconfig-server.properties of 3.9 have a dynamic quorum (format --standalone); that of 3.x has a static
  // one.
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
