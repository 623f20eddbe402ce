/**
 * The server's end of the streams of `call-link.ts`: checks the hello, passes each call to `answer`, and sends each reply when
 * it is ready. A message that cannot be decoded, or a missing hello, ends that stream and no other.
 */
import { type Hello, helloFault, helloOf, type Identity } from '../../base/hello.ts';
import type { MessageStream } from '../../base/network.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { LeaderView } from '../../raft/api.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Call, CallFrame, Reply, ReplyFrame } from './messages.ts';

/** The sender of a call. */
export interface Caller {
  readonly hello: Hello;
  /** Whether the sender can still receive the reply: false when its stream has ended. */
  readonly isAwaited: () => boolean;
}

export interface CallServerOptions {
  readonly identity: Identity;
  /**
   * Handles a call and resolves to the encoded response. Rejects with `KafkaError` to refuse the call. Any other error means a
   * body that cannot be decoded, or a bug.
   */
  readonly answer: (call: Call, caller: Caller) => Promise<Uint8Array>;
  /** The leader of the quorum that this node knows; it is sent with every reply. */
  readonly leader: () => LeaderView;
  readonly logger: Logger;
  /** Called when the stream of a caller ends, if its hello was accepted. */
  readonly onGone?: (caller: Caller) => void;
}

type CallStream = MessageStream<ReplyFrame, CallFrame>;

const empty = new Uint8Array(0);

export class CallServer {
  readonly #options: CallServerOptions;
  readonly #streams = new Set<CallStream>();

  constructor(options: CallServerOptions) {
    this.#options = options;
  }

  accept(stream: CallStream): void {
    this.#streams.add(stream);
    stream.onClose = () => this.#streams.delete(stream);
    stream.onMessage = (message) => this.#greet(stream, message);
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  #greet(stream: CallStream, message: CallFrame): void {
    const { identity, logger, onGone } = this.#options;
    const fault =
      message.type === 'hello'
        ? helloFault(message, identity, null)
        : 'the first message of the stream is not a hello';
    if (fault !== null || message.type !== 'hello') {
      logger.info('Refused a peer', { reason: fault });
      this.#streams.delete(stream);
      // Tell the caller which node it has reached, so that it can log the mismatch.
      stream.send(helloOf(identity));
      stream.close(fault ?? '');
      return;
    }
    const caller: Caller = { hello: message, isAwaited: () => this.#streams.has(stream) };
    stream.send(helloOf(identity, message.nodeId));
    stream.onClose = () => {
      this.#streams.delete(stream);
      onGone?.(caller);
    };
    stream.onMessage = (next) => {
      if (next.type === 'call') void this.#serve(stream, next, caller);
      else stream.close('a second hello');
    };
  }

  async #serve(stream: CallStream, call: Call, caller: Caller): Promise<void> {
    const { answer, leader, logger } = this.#options;
    const reply = (errorCode: number, errorMessage: string, body: Uint8Array): Reply => {
      const { id, epoch } = leader();
      return {
        type: 'reply',
        requestId: call.requestId,
        errorCode,
        errorMessage,
        leaderId: id ?? -1,
        epoch,
        body,
      };
    };
    try {
      stream.send(reply(0, '', await answer(call, caller)));
    } catch (error) {
      if (error instanceof KafkaError) stream.send(reply(error.code, error.message, empty));
      else {
        const { apiKey, apiVersion } = call;
        logger.warn('A call of a peer failed', { apiKey, apiVersion, error });
        stream.send(reply(Errors.INVALID_REQUEST.code, '', empty));
      }
    }
  }
}
