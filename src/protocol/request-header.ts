/** Reads the header of a request of any API. It needs the flexible versions of every API, so this file imports all messages. */
import { DecodeError } from './codec/errors.ts';
import { Reader } from './codec/reader.ts';
import { requestHeaderVersion } from './frames.ts';
import { apiOf } from './messages/api-keys.ts';

export interface DecodedRequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** Where the body begins. */
  readonly bodyAt: number;
}

/**
 * Reads the header of a request; `at` is the position after the size field. It does not check whether the broker supports the
 * request. Of an unknown API only the fixed part of the header is read, without tagged fields.
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
