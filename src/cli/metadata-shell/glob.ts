/** Finds nodes of the metadata tree by paths with the patterns `*`, `?` and `{a,b}`. */
import type { ShellNode } from './nodes.ts';

export interface Match {
  readonly path: readonly string[];
  readonly node: ShellNode;
}

/** Returns the parts of a path, from the root on. Empty parts and `.` are left out; `..` removes the part before it. */
export function componentsOf(path: string, workingDirectory: string): string[] {
  const components: string[] = [];
  for (const component of (path.startsWith('/') ? path : `${workingDirectory}/${path}`).split('/')) {
    if (component === '..') components.pop();
    else if (component !== '' && component !== '.') components.push(component);
  }
  return components;
}

const special = '\\^$.*+?()[]{}|';

/**
 * Returns the pattern for one part of a path. Null when the part has no pattern, or when its braces are not closed; it then
 * matches only a node of exactly this name.
 */
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

/** Yields the nodes that match a path, sorted by name. */
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

/** Sorts by UTF-16 code units, as Java does. */
export function sortedNames(directory: ShellNode & { readonly kind: 'directory' }): string[] {
  return [...directory.names()].sort();
}
