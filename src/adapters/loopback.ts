/**
 * A stream from a node to itself: the broker of a combined node uses it to reach its own controller. It has two ends in memory,
 * so that a single node does not need gRPC. As from a socket, messages arrive in a later turn of the event loop.
 */
import type { PeerMessage, MessageStream } from '../base/network.ts';

function nothing(): void {}

class LoopbackEnd implements MessageStream {
  onMessage: (message: PeerMessage) => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  onDrain: () => void = nothing;
  peer: LoopbackEnd | null = null;
  private readonly inbox: (PeerMessage | Error | null)[] = [];
  private closed = false;
  private scheduled = false;

  send(message: PeerMessage): boolean {
    if (!this.closed) this.peer?.take(message);
    return true;
  }

  close(reason?: string): void {
    if (this.closed) return;
    this.closed = true;
    this.peer?.take(reason === undefined ? null : new Error(reason));
    setImmediate(() => this.onClose(null));
  }

  /** Receives a message, or the close of the other end: an error with its reason, or null when it gave none. */
  private take(message: PeerMessage | Error | null): void {
    this.inbox.push(message);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.drain());
  }

  private drain(): void {
    this.scheduled = false;
    for (const message of this.inbox.splice(0)) {
      if (this.closed) return;
      if (message !== null && !(message instanceof Error)) this.onMessage(message);
      else {
        this.closed = true;
        this.onClose(message);
      }
    }
  }
}

/** Returns the two ends of one stream. */
export function createLoopback(): [MessageStream, MessageStream] {
  const [a, b] = [new LoopbackEnd(), new LoopbackEnd()];
  a.peer = b;
  b.peer = a;
  return [a, b];
}
