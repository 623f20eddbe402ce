/**
 * Options that select topics by name, as Kafka's class `IncludeList` reads them: a Java regular expression for whole names, in
 * which a comma means "or". Spaces, and quotation marks around the text, are removed.
 */
import { compileJavaPattern, type JavaPattern } from '../../config/java-pattern.ts';
import { ToolError } from '../tool.ts';

export function includeList(text: string): JavaPattern {
  const pattern = text
    .trim()
    .replaceAll(',', '|')
    .replaceAll(' ', '')
    .replace(/^["']+|["']+$/g, '');
  try {
    return compileJavaPattern(pattern);
  } catch {
    throw new ToolError(`${pattern} is an invalid regex.`);
  }
}

/** Returns the names that match `pattern`, sorted. A null `pattern` matches all. */
export function matchTopics(names: readonly string[], pattern: string | null): string[] {
  const sorted = [...names].sort();
  if (pattern === null) return sorted;
  const topics = includeList(pattern);
  return sorted.filter((name) => topics.matches(name));
}
