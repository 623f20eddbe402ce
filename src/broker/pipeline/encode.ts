/**
 * Encodes a response into the buffers of its frame. Size, header and body are written in one pass, so that a small response is
 * one buffer. Record batches are not copied (`Writer`).
 */
import { Writer } from '../../protocol/codec/writer.ts';
import { responseFrame } from '../../protocol/frames.ts';
import type { Init, Message } from '../../protocol/schema/fields.ts';
import type { ActiveRequest } from './active-request.ts';

/** The writer allocates memory in pieces of this size. */
const slabBytes = 16_384;

export class ResponseEncoder {
  /** One writer for all responses: small responses share its memory. */
  readonly #writer = new Writer(slabBytes);

  /** Throws if the response does not match its schema, which is a bug of the handler. */
  encode(request: ActiveRequest, response: unknown): readonly Uint8Array[] {
    try {
      return responseFrame(request.handler.response, request, response as Init<Message>, this.#writer);
    } catch (error) {
      this.#writer.discard();
      throw error;
    }
  }
}
