/** Paths with `*`, `?` and `{a,b}` in a tree of metadata nodes; each component of a path is a pattern. */
import type { ShellNode } from './nodes.ts';

export interface Match {
  readonly path: readonly string[];
  readonly node: ShellNode;
}

/** The components of a path from the root: empty ones and `.` are ignored, `..` removes the one before. */
export function componentsOf(path: string, workingDirectory: string): string[] {
  const components: string[] = [];
  for (const component of (path.startsWith('/') ? path : `${workingDirectory}/${path}`).split('/')) {
    if (component === '..') components.pop();
    else if (component !== '' && component !== '.') components.push(component);
  }
  return components;
}

const special = '\\^$.*+?()[]{}|';

/** The pattern of a component; null: it matches only itself, also when its braces are not closed. */
export function patternOf(component: string): RegExp | null {
  let pattern = '';
  let isLiteral = true;
  let isInGroup = false;
  for (let at = 0; at < component.length; at++) {
    const char = component[at] as string;
    if (char === '\\' && at + 1 < component.length) {
      pattern += escaped(component[++at] as string);
      continue;
    }
    const piece = isInGroup ? (inGroup[char] ?? outside[char]) : outside[char];
    if (char === '{' && isInGroup) return null;
    if (char === '{') isInGroup = true;
    if (char === '}') isInGroup = false;
    if (piece !== undefined) isLiteral = false;
    pattern += piece ?? escaped(char);
  }
  return isLiteral || isInGroup ? null : new RegExp(`^${pattern}$`, 's');
}

const outside: Readonly<Record<string, string>> = { '?': '.', '*': '.*', '{': '(?:(?:' };
const inGroup: Readonly<Record<string, string>> = { ',': ')|(?:', '}': '))' };

function escaped(char: string): string {
  return special.includes(char) ? `\\${char}` : char;
}

/** The nodes that match a path, in the order of their names. */
export function* matches(
  root: ShellNode,
  components: readonly string[],
  path: readonly string[] = [],
): Generator<Match> {
  const [first, ...rest] = components;
  if (first === undefined) {
    yield { path, node: root };
    return;
  }
  if (root.kind === 'file') return;
  const pattern = patternOf(first);
  const names = pattern === null ? [first] : sortedNames(root).filter((name) => pattern.test(name));
  for (const name of names) {
    const child = root.child(name);
    if (child !== null) yield* matches(child, rest, [...path, name]);
  }
}

/** By UTF-16 code units, as Java compares strings. */
export function sortedNames(directory: ShellNode & { readonly kind: 'directory' }): string[] {
  return [...directory.names()].sort();
}
