/** Regular expressions of clients, in requests and in stored subscriptions (`config/regex.ts`). */
import { compileRegex, RegexError } from '../config/regex.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';

/** A function that tests whether the whole of a text matches. Throws INVALID_REGULAR_EXPRESSION. */
export function fullMatcher(pattern: string): (text: string) => boolean {
  try {
    const regex = compileRegex(pattern);
    return (text) => regex.matches(text);
  } catch (error) {
    if (error instanceof RegexError) throw new KafkaError(Errors.INVALID_REGULAR_EXPRESSION, error.message);
    throw error;
  }
}
