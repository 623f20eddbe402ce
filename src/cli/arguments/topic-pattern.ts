/** `--topic` as a name, a list `a,b`, or a regular expression over whole names, sorted. */
import { ToolError } from '../tool.ts';

/** The names that match `pattern`; all of them without one. */
export function matchTopics(names: readonly string[], pattern: string | null): string[] {
  const sorted = [...names].sort();
  if (pattern === null) return sorted;
  let expression: RegExp;
  try {
    expression = new RegExp(`^(?:${pattern.trim().replaceAll(',', '|')})$`);
  } catch {
    throw new ToolError(`${pattern} is an invalid regex.`);
  }
  return sorted.filter((name) => expression.test(name));
}
