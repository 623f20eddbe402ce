/** What a request is answered with: the results of handlers, whatever their phases, and the responses of failures. */
import { CloseConnection, type HandlerResult, noResponse, type TwoPhase } from '../../broker/handler.ts';
import type { ActiveRequest } from '../../broker/pipeline/active-request.ts';
import { genericFailure } from '../../broker/pipeline/failure.ts';
import { type ErrorRow, KafkaError } from '../../protocol/errors.ts';

type Result = HandlerResult<unknown>;

function isTwoPhase(result: unknown): result is TwoPhase<unknown> {
  return typeof result === 'object' && result !== null && 'ordered' in result;
}

/** Applies `change` to what a result ends with, whenever it comes; `failed` to what it rejects with. */
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

/** As `mapResponse`, for a response with fields only: silence and the end of a connection stay what they are. */
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

/** The response that a result ends with; rejects as it does. */
export async function settled(result: Result): Promise<unknown> {
  const value = await result;
  return isTwoPhase(value) ? value.response : value;
}

/** What a result ends with; a rejection of Kafka becomes the response that says so. */
export async function settledOrFailed(result: Result, request: ActiveRequest): Promise<unknown> {
  try {
    return await settled(result);
  } catch (error) {
    if (error instanceof CloseConnection) return error;
    if (error instanceof KafkaError) return failureOf(request, request.body, error.error, error.message);
    throw error;
  }
}

/** The response that says that all of `body` failed, or the end of the connection where a version has no room for an error. */
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
