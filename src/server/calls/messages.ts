/**
 * Kafka requests from node to node (proto/calls.proto): to the active controller on the channel `controller`, to another broker
 * on the channel `broker`. Bodies are in Kafka's encoding.
 */
import type { Hello } from '../../base/hello.ts';
import type { Channel } from '../../base/network.ts';

/** The maximum size of a body. The receiver's gRPC server would refuse a larger one (`peerRequestBytesMax`). */
export const callBodyBytesMax = 16 * 1024 * 1024;

export interface Call {
  readonly type: 'call';
  /**
   * A sequence number of the sender's requests. Together with the node id and boot id in the sender's hello it identifies the
   * request, also when it is sent again.
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
  /** 0: `body` has the response. Else the request was refused as a whole, and there is no body. */
  readonly errorCode: number;
  readonly errorMessage: string;
  /** The leader of the quorum that the replying node knows; -1: it knows none. `epoch`: that leader's epoch. */
  readonly leaderId: number;
  readonly epoch: number;
  readonly body: Uint8Array;
}

export type CallFrame = Hello | Call;
export type ReplyFrame = Hello | Reply;
export const controllerChannel: Channel<CallFrame, ReplyFrame> = { name: 'controller' };
export const brokerChannel: Channel<CallFrame, ReplyFrame> = { name: 'broker' };
