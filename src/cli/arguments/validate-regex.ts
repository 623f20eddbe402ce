/**
 * `kafka-consumer-groups --validate-regex`: tells whether brokers would accept a regular expression in a subscription of the
 * consumer protocol, which uses RE2's syntax.
 */
import { compileRegex } from '../../config/regex.ts';

/** Returns the sentence that the tool prints about `pattern`. */
export function validateRegex(pattern: string): string {
  let verdict = 'valid';
  try {
    compileRegex(pattern);
  } catch (error) {
    verdict = `invalid: ${(error as Error).message}`;
  }
  return `The regular expression \`${pattern}\` is ${verdict}.`;
}
