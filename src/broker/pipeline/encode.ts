/**
 * From a response to the buffers of its frame: size, header, body in one go, so that a small response is one buffer.
 * Record batches stay the segments they are (`Writer`).
 */
import { encodeInto } from '../../protocol/codec/codec.ts';
import { Writer } from '../../protocol/codec/writer.ts';
import { responseHeaderVersion } from '../../protocol/frames.ts';
import type { ActiveRequest } from './active-request.ts';

export class ResponseEncoder {
  readonly #writer = new Writer();

  /** Throws when the response does not fit its schema: a bug of the handler. */
  encode(request: ActiveRequest, response: unknown): readonly Uint8Array[] {
    const message = request.handler.response;
    const writer = this.#writer;
    try {
      writer.int32(0);
      writer.int32(request.correlationId);
      if (responseHeaderVersion(request.apiKey, request.apiVersion) === 1) writer.uvarint(0);
      encodeInto(message, request.apiVersion, response as object, writer);
    } catch (error) {
      writer.discard();
      throw error;
    }
    const sizeBytes = writer.sizeBytes - 4;
    const buffers = writer.finish();
    const first = buffers[0] as Uint8Array;
    first[0] = sizeBytes >>> 24;
    first[1] = sizeBytes >>> 16;
    first[2] = sizeBytes >>> 8;
    first[3] = sizeBytes;
    return buffers;
  }
}
