/**
 * Frames: a request or response on the wire is a size (int32, which does not count itself), a header and a body.
 *
 * The version of the body determines the version of the header: in flexible versions the header has tagged fields too. The
 * exception is the ApiVersions response, whose header never has them, because its client does not know yet what the broker
 * supports. Client ids in headers are never in the compact encoding.
 *
 * The message is an argument of these functions, so that a client loads only the messages that it uses. `request-header.ts`
 * knows all of them.
 */
import { Reader } from './codec/reader.ts';
import { Writer } from './codec/writer.ts';
import { encodeInto } from './codec/codec.ts';
import type { Init, Message, Shape } from './schema/fields.ts';
import { inVersions } from './schema/versions.ts';

/** The size of the size field in front of every frame. */
export const frameSizeBytes = 4;
const apiVersionsKey = 18;

/** The version of the request header: 2 with tagged fields, 1 without. */
export function requestHeaderVersion(request: Message, apiVersion: number): 1 | 2 {
  return inVersions(request.flexible, apiVersion) ? 2 : 1;
}

/** The version of the response header: 1 with tagged fields, 0 without. */
export function responseHeaderVersion(response: Message, apiVersion: number): 0 | 1 {
  if (response.key === apiVersionsKey) return 0;
  return inVersions(response.flexible, apiVersion) ? 1 : 0;
}

function writeRequestHeader(
  writer: Writer,
  request: Message,
  header: { apiVersion: number; correlationId: number; clientId: string | null },
): void {
  writer.int16(request.key);
  writer.int16(header.apiVersion);
  writer.int32(header.correlationId);
  if (header.clientId === null) writer.int16(-1);
  else writer.string(header.clientId);
  if (requestHeaderVersion(request, header.apiVersion) === 2) writer.uvarint(0);
}

/** A whole request with its size field, as segments for one write. */
export function requestFrame<S extends Shape>(
  request: Message<S>,
  header: { apiVersion: number; correlationId: number; clientId: string | null },
  body: Init<Message<S>>,
  writer = new Writer(256),
): Uint8Array[] {
  writer.int32(0);
  writeRequestHeader(writer, request, header);
  encodeInto(request, header.apiVersion, body, writer);
  return withSize(writer);
}

/** A whole response with its size field, as segments for one write. */
export function responseFrame<S extends Shape>(
  response: Message<S>,
  header: { apiVersion: number; correlationId: number },
  body: Init<Message<S>>,
  writer = new Writer(256),
): Uint8Array[] {
  writer.int32(0);
  writer.int32(header.correlationId);
  if (responseHeaderVersion(response, header.apiVersion) === 1) writer.uvarint(0);
  encodeInto(response, header.apiVersion, body, writer);
  return withSize(writer);
}

/** A whole response with its size field. The body was encoded already, by the controller. */
export function responseFrameOf(
  response: Message,
  header: { apiVersion: number; correlationId: number },
  body: Uint8Array,
): Uint8Array[] {
  const writer = new Writer(16);
  writer.int32(0);
  writer.int32(header.correlationId);
  if (responseHeaderVersion(response, header.apiVersion) === 1) writer.uvarint(0);
  writer.records(body);
  return withSize(writer);
}

/** Reads the header of a response. `at` is the position after the size field. */
export function decodeResponseHeader(
  response: Message,
  apiVersion: number,
  bytes: Uint8Array,
  at = 0,
): { correlationId: number; bodyAt: number } {
  const reader = new Reader(bytes, at);
  const correlationId = reader.int32();
  if (responseHeaderVersion(response, apiVersion) === 1) reader.skipTags();
  return { correlationId, bodyAt: reader.position };
}

/** Writes the size into the first four bytes of the first segment, which the caller has reserved. */
function withSize(writer: Writer): Uint8Array[] {
  const sizeBytes = writer.sizeBytes - frameSizeBytes;
  const segments = writer.finish();
  const first = segments[0] as Uint8Array;
  first[0] = sizeBytes >>> 24;
  first[1] = sizeBytes >>> 16;
  first[2] = sizeBytes >>> 8;
  first[3] = sizeBytes;
  return segments;
}
