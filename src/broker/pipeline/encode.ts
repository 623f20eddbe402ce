/**
 * From a response to the buffers of its frame: size, header, body in one go, so that a small response is one buffer.
 * Record batches stay the segments they are (`Writer`).
 */
import { Writer } from '../../protocol/codec/writer.ts';
import { responseFrame } from '../../protocol/frames.ts';
import type { Init, Message } from '../../protocol/schema/fields.ts';
import type { ActiveRequest } from './active-request.ts';

const slabBytes = 16_384;

export class ResponseEncoder {
  /** One for all responses: a small one is a slice of its slab. */
  readonly #writer = new Writer(slabBytes);

  /** Throws when the response does not fit its schema: a bug of the handler. */
  encode(request: ActiveRequest, response: unknown): readonly Uint8Array[] {
    try {
      return responseFrame(request.handler.response, request, response as Init<Message>, this.#writer);
    } catch (error) {
      this.#writer.discard();
      throw error;
    }
  }
}
