/**
 * Makes the response to a request that failed as a whole, if its handler does not make one: the error is in the top-level
 * `errorCode` (and `errorMessage`), all other fields have their defaults. Returns null if the response has no such field in the
 * version of the request; then the connection is closed.
 */
import type { ErrorRow } from '../../protocol/errors.ts';
import type { Field, Shape } from '../../protocol/schema/fields.ts';
import { inVersions } from '../../protocol/schema/versions.ts';
import type { ActiveRequest } from './active-request.ts';

export function genericFailure(request: ActiveRequest, error: ErrorRow, message: string | null): unknown {
  const { fields } = request.handler.response;
  const errorField = fields.errorCode;
  if (errorField === undefined || !inVersions(errorField.versions, request.apiVersion)) return null;
  const response = emptyFields(fields);
  response.errorCode = error.code;
  if (fields.errorMessage !== undefined && message !== null) response.errorMessage = message;
  return response;
}

/** A value of a struct in which all fields have their defaults. */
export function emptyFields(shape: Shape): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(shape)) value[name] = emptyValue(field);
  return value;
}

function emptyValue(field: Field): unknown {
  if (field.default !== undefined) return field.default;
  return field.fields === null ? undefined : emptyFields(field.fields);
}
