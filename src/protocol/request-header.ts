/** Reads the header of a request of any API, so this module imports the table of all messages. */
import { DecodeError } from './codec/errors.ts';
import { Reader } from './codec/reader.ts';
import { requestHeaderVersion } from './frames.ts';
import { apiOf } from './messages/api-keys.ts';

export interface DecodedRequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** Position of the body. */
  readonly bodyAt: number;
}

/**
 * Reads the header of a frame; `at` is the position after the size field. Does not check whether the broker supports the request:
 * of an unknown API, or an unknown version of ApiVersions, only the fixed part is read.
 */
export function decodeRequestHeader(bytes: Uint8Array, at = 0): DecodedRequestHeader {
  const reader = new Reader(bytes, at);
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const length = reader.int16();
  if (length < -1) throw new DecodeError(`client id of ${length} bytes`);
  const clientId = length < 0 ? null : reader.utf8(length);
  const request = apiOf(apiKey)?.request;
  if (request !== undefined && requestHeaderVersion(request, apiVersion) === 2) reader.skipTags();
  return { apiKey, apiVersion, correlationId, clientId, bodyAt: reader.position };
}
