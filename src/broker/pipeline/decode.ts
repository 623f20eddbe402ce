/**
 * Decodes a frame: header, handler, body. Every error here is a `RequestError` or the codec's `DecodeError`, and closes the
 * connection, because no response can be made that the client could decode. There is one exception: ApiVersions of an
 * unsupported version gets a response in version 0 (KIP-511).
 */
import { decode } from '../../protocol/codec/codec.ts';
import { decodeRequestHeader } from '../../protocol/request-header.ts';
import type { Handler, ListenerKind } from '../handler.ts';
import type { HandlerTable } from './table.ts';

export class RequestError extends Error {
  override readonly name = 'RequestError';
}

/** The version of the request is not supported, so no response can be encoded, and the connection is closed. */
export class VersionError extends RequestError {
  readonly isOld: boolean;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(frame: Uint8Array, { name, minVersion, maxVersion }: Handler, apiVersion: number) {
    super(`request ${name} with version ${apiVersion}, which is not enabled`);
    this.isOld = apiVersion < minVersion;
    const clientId = clientIdOf(frame);
    this.fields = { api: name, version: apiVersion, served: `${minVersion}-${maxVersion}`, clientId };
  }
}

export interface DecodedRequest {
  readonly handler: Handler;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly body: unknown;
  /** How many bytes of the memory budget the request holds. */
  readonly frameBytes: number;
  /** Whether the version is not supported, but the handler has a response for that (ApiVersions). */
  readonly unsupported: boolean;
}

/** Size of the part that all headers have: API key, version, correlation id. */
const headerBytesMin = 8;
/** A log line shows at most this many characters of a client id. */
const clientIdCharactersMax = 64;

export function decodeRequest(frame: Uint8Array, table: HandlerTable, kind: ListenerKind): DecodedRequest {
  if (frame.length < headerBytesMin)
    throw new RequestError(`a request of ${frame.length} bytes has no complete header`);
  const apiKey = int16(frame, 0);
  const apiVersion = int16(frame, 2);
  const handler = table.get(kind, apiKey);
  if (handler === null) throw new RequestError(`request with api key ${apiKey}, which is not enabled`);
  if (apiVersion < handler.minVersion || apiVersion > handler.maxVersion) {
    return unsupportedVersion(frame, handler, apiVersion);
  }
  const header = decodeRequestHeader(frame);
  return {
    handler,
    apiVersion,
    correlationId: header.correlationId,
    clientId: header.clientId ?? '',
    body: decode(handler.request, apiVersion, frame, header.bodyAt),
    frameBytes: frame.length,
    unsupported: false,
  };
}

function unsupportedVersion(frame: Uint8Array, handler: Handler, apiVersion: number): DecodedRequest {
  if (handler.unsupportedVersion === null) {
    throw new VersionError(frame, handler, apiVersion);
  }
  return {
    handler,
    apiVersion: 0,
    correlationId: (int16(frame, 4) << 16) | (int16(frame, 6) & 0xffff),
    clientId: '',
    body: null,
    frameBytes: frame.length,
    unsupported: true,
  };
}

/** The client id of a frame, for a log line. It is at the same place in all versions of the header from 1 on. */
function clientIdOf(frame: Uint8Array): string {
  const start = headerBytesMin + 2;
  const length = frame.length < start ? 0 : Math.min(int16(frame, headerBytesMin), clientIdCharactersMax);
  return new TextDecoder().decode(frame.subarray(start, start + Math.max(0, length)));
}

function int16(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)) >> 16;
}
