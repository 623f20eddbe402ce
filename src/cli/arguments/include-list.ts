/** Lists of topics on the command line, as Kafka's `IncludeList`: a Java regular expression over whole names, where a comma means "or". */
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

/** The names that match `pattern`, sorted; all of them without one. */
export function matchTopics(names: readonly string[], pattern: string | null): string[] {
  const sorted = [...names].sort();
  if (pattern === null) return sorted;
  const topics = includeList(pattern);
  return sorted.filter((name) => topics.matches(name));
}
