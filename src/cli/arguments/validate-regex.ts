/** `--validate-regex`: whether brokers accept a regular expression as a subscription of the consumer protocol (RE2). */
import { compileRegex } from '../../config/regex.ts';

/** The sentence that tells whether `pattern` is valid. */
export function validateRegex(pattern: string): string {
  let verdict = 'valid';
  try {
    compileRegex(pattern);
  } catch (error) {
    verdict = `invalid: ${(error as Error).message}`;
  }
  return `The regular expression \`${pattern}\` is ${verdict}.`;
}
