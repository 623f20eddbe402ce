/**
 * Functions on the results of request handlers. A result is a response or a promise of one; or it has two phases (`TwoPhase`),
 * of which the second gives the response. Also makes the response that reports an error.
 */
import { CloseConnection, type HandlerResult, noResponse, type TwoPhase } from '../../broker/handler.ts';
import type { ActiveRequest } from '../../broker/pipeline/active-request.ts';
import { genericFailure } from '../../broker/pipeline/failure.ts';
import { type ErrorRow, KafkaError } from '../../protocol/errors.ts';

type Result = HandlerResult<unknown>;

function isTwoPhase(result: unknown): result is TwoPhase<unknown> {
  return typeof result === 'object' && result !== null && 'ordered' in result;
}

/**
 * The same result with another response: `change` makes it from the response, `failed` from the error with which the result
 * rejects.
 */
export function mapResponse(
  result: Result,
  change: (response: unknown) => unknown,
  failed: (error: unknown) => unknown = (error) => Promise.reject(error as Error),
): Result {
  if (result instanceof Promise) return result.then(change, failed);
  if (!isTwoPhase(result)) return change(result);
  const { ordered, response } = result;
  return {
    ordered,
    response: response instanceof Promise ? response.then(change, failed) : change(response),
  };
}

/** As `mapResponse`, but changes only responses with fields: a request without a response, or a closed connection, stays so. */
export function mapFields(
  result: Result,
  change: (response: Readonly<Record<string, unknown>>) => unknown,
): Result {
  return mapResponse(result, (response) =>
    response === noResponse || response instanceof CloseConnection
      ? response
      : change(response as Readonly<Record<string, unknown>>),
  );
}

/** Resolves to the response of a result, whether it has one or two phases; rejects when the result does. */
export async function settled(result: Result): Promise<unknown> {
  const value = await result;
  return isTwoPhase(value) ? value.response : value;
}

/**
 * As `settled`, but resolves when the result rejects with a `KafkaError`: to the response that reports the error; or with a
 * `CloseConnection`: to that object.
 */
export async function settledOrFailed(result: Result, request: ActiveRequest): Promise<unknown> {
  try {
    return await settled(result);
  } catch (error) {
    if (error instanceof CloseConnection) return error;
    if (error instanceof KafkaError) return failureOf(request, request.body, error.error, error.message);
    throw error;
  }
}

/**
 * The response that reports `error` for all of `body`. If this version of the response cannot report an error, closes the
 * connection.
 */
export function failureOf(
  request: ActiveRequest,
  body: unknown,
  error: ErrorRow,
  message: string | null = error.message,
): unknown {
  try {
    const built = request.handler.failed?.(body, error, request, message);
    if (built !== undefined) return built;
  } catch (bug) {
    if (bug instanceof CloseConnection) return bug;
    throw bug;
  }
  return genericFailure(request, error, message) ?? new CloseConnection(`test fault: ${error.name}`);
}
