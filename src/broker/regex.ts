/**
 * Regular expressions from clients, in RE2's syntax as in Kafka. RE2 matches in time linear in the text; with JavaScript's own
 * engine one request could block the event loop for hours.
 */
import { RE2JS, RE2JSException } from 're2js';
import { Errors, KafkaError } from '../protocol/errors.ts';

/** A function that tests whether the whole of a text matches. Throws INVALID_REGULAR_EXPRESSION. */
export function fullMatcher(pattern: string): (text: string) => boolean {
  const compiled = compile(pattern);
  return (text) => compiled.matches(text);
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException)
      throw new KafkaError(Errors.INVALID_REGULAR_EXPRESSION, error.message);
    throw error;
  }
}
