/**
 * What a simulated network carries: bytes of a connection, or a message of a stream. A message is copied, as a real network
 * does, so that the receiver does not see a later change by the sender. Messages are not encoded (the codecs in `wire/` have
 * their own tests).
 */
import type { PeerMessage } from '../base/network.ts';

export type Carried = Uint8Array | PeerMessage;

/** Approximate size of a number or a flag on the wire. */
const scalarBytes = 4;

/** A copy of the data, and its approximate size on the wire. */
export function copyOf<T extends Carried>(data: T): { data: T; sizeBytes: number } {
  const copier = new Copier();
  const copy = copier.copy(data) as T;
  return { data: copy, sizeBytes: copier.sizeBytes };
}

class Copier {
  sizeBytes = 0;

  copy(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) {
      this.sizeBytes += typeof value === 'string' ? value.length : scalarBytes;
      return value;
    }
    if (value instanceof Uint8Array) {
      this.sizeBytes += value.length;
      return value.slice();
    }
    if (Array.isArray(value)) return this.#copyArray(value);
    const copy: Record<string, unknown> = {};
    for (const name in value) copy[name] = this.copy((value as Record<string, unknown>)[name]);
    return copy;
  }

  /** A list of byte pieces arrives as one piece, as from the real codec. */
  #copyArray(values: readonly unknown[]): unknown[] {
    if (values.length < 2 || !(values[0] instanceof Uint8Array)) return values.map((one) => this.copy(one));
    const pieces = values as readonly Uint8Array[];
    const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.sizeBytes += whole.length;
    return [whole];
  }
}
