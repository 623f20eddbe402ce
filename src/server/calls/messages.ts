/**
 * Kafka requests from node to node (proto/calls.proto): to the active controller on the channel `controller`, to another broker on
 * the channel `broker`. Bodies are in Kafka's encoding.
 */
import type { Hello } from '../../base/hello.ts';
import type { Channel } from '../../base/network.ts';

/** The receiving node's gRPC server refuses larger request bodies (`peerRequestBytesMax`). */
export const callBodyBytesMax = 16 * 1024 * 1024;

export interface Call {
  readonly type: 'call';
  /**
   * Sequence number among the sender's requests. Together with node id and boot id of its hello it identifies the
   * request.
   */
  readonly requestId: number;
  /** The sender will not send requests with lower numbers again. */
  readonly lowestPendingId: number;
  readonly apiKey: number;
  readonly apiVersion: number;
  /**
   * The principal of the client whose request the sender forwards, such as `User:alice`; empty when the node itself
   * sends it.
   */
  readonly principal: string;
  readonly clientId: string;
  readonly body: Uint8Array;
}

export interface Reply {
  readonly type: 'reply';
  readonly requestId: number;
  /** Not 0: the request was refused as a whole and there is no body. */
  readonly errorCode: number;
  readonly errorMessage: string;
  /** The active controller as far as the replying node knows; -1 when it does not. */
  readonly leaderId: number;
  readonly epoch: number;
  readonly body: Uint8Array;
}

export type CallFrame = Hello | Call;
export type ReplyFrame = Hello | Reply;
export const controllerChannel: Channel<CallFrame, ReplyFrame> = { name: 'controller' };
export const brokerChannel: Channel<CallFrame, ReplyFrame> = { name: 'broker' };
