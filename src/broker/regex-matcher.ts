/**
 * Matching with regular expressions that clients have sent, in requests or in stored subscriptions. `config/regex.ts` compiles
 * them.
 */
import { compileRegex, RegexError } from '../config/regex.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';

/** Returns a function that tests whether an expression matches the whole of a text. Throws INVALID_REGULAR_EXPRESSION. */
export function fullMatcher(pattern: string): (text: string) => boolean {
  try {
    const regex = compileRegex(pattern);
    return (text) => regex.matches(text);
  } catch (error) {
    if (error instanceof RegexError) throw new KafkaError(Errors.INVALID_REGULAR_EXPRESSION, error.message);
    throw error;
  }
}
