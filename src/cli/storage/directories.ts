/** Finds out for `kafka-storage` which directories of a node exist and which are formatted. */
import type { FileSystem } from '../../base/file-system.ts';
import type { NodeConfig } from '../../config/node-config.ts';
import {
  type MetaProperties,
  metaPropertiesPath,
  readMetaProperties,
} from '../../log/directories/meta-properties.ts';

export type DirectoryState =
  | { readonly path: string; readonly kind: 'formatted'; readonly meta: MetaProperties }
  | { readonly path: string; readonly kind: 'missing' | 'not a directory' | 'empty' }
  | { readonly path: string; readonly kind: 'unreadable'; readonly why: string };

/** Returns the log directories and the metadata log directory, sorted. */
export function directoriesOf(config: NodeConfig): string[] {
  return [...new Set([...config.logDirs, config.metadataLogDir])].sort();
}

export async function inspect(fs: FileSystem, path: string): Promise<DirectoryState> {
  const found = await fs.stat(path);
  if (found === null) return { path, kind: 'missing' };
  if (!found.isDirectory) return { path, kind: 'not a directory' };
  try {
    const meta = await readMetaProperties(fs, path);
    return meta === null ? { path, kind: 'empty' } : { path, kind: 'formatted', meta };
  } catch (error) {
    return {
      path,
      kind: 'unreadable',
      why: `Error loading ${metaPropertiesPath(path)}: ${(error as Error).message}`,
    };
  }
}

function problemOf(state: DirectoryState): string | null {
  switch (state.kind) {
    case 'formatted':
      return null;
    case 'missing':
      return `${state.path} does not exist`;
    case 'not a directory':
      return `${state.path} is not a directory`;
    case 'empty':
      return `${state.path} is not formatted.`;
    case 'unreadable':
      return state.why;
  }
}

function block(title: string, lines: readonly string[]): string {
  return lines.length === 0
    ? ''
    : `${title}${lines.length === 1 ? 'y' : 'ies'}:\n${lines.map((line) => `  ${line}\n`).join('')}\n`;
}

/** Returns what `kafka-storage info` prints, and whether it reports problems. */
export function infoText(states: readonly DirectoryState[]): { text: string; hasProblems: boolean } {
  const there = states.filter(({ kind }) => kind !== 'missing' && kind !== 'not a directory');
  const problems = states.map(problemOf).filter((problem) => problem !== null);
  const metas = states.flatMap((state) => (state.kind === 'formatted' ? [state.meta] : []));
  const first = metas[0];
  if (metas.some((meta) => meta.clusterId !== first?.clusterId))
    problems.push('Mismatched cluster IDs between storage directories.');
  if (metas.some((meta) => meta.nodeId !== first?.nodeId))
    problems.push('Mismatched node IDs between storage directories.');
  let text = block(
    'Found log director',
    there.map(({ path }) => path),
  );
  if (first !== undefined) {
    const directory = first.directoryId === null ? '' : `directory.id=${first.directoryId}, `;
    text += `Found metadata: {cluster.id=${first.clusterId}, ${directory}node.id=${first.nodeId}, version=1}\n\n`;
  }
  if (problems.length > 0) {
    text += `Found problem${problems.length === 1 ? '' : 's'}:\n${problems.map((problem) => `  ${problem}\n`).join('')}\n`;
  }
  return { text, hasProblems: problems.length > 0 };
}
