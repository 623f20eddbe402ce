/**
 * What a Kafka API is to the broker: which versions it serves on which listeners, and a function from request to response.
 * One file of `api/` defines one handler through `defineHandler`; the table of them is all that the pipeline knows.
 *
 * - A handler takes one metadata image, `context.image`, and uses only that one.
 * - It may answer at once (hot paths should: no promise is made), later, or in two phases: `ordered` ends the part that
 *   must happen in request order, `response` may complete in any order.
 * - It throws `KafkaError` for a failure of the whole request; anything else it throws is a bug and becomes
 *   UNKNOWN_SERVER_ERROR. `failed` builds the response that carries such an error in the places where clients look for it.
 */
import { assert } from '../base/assert.ts';
import type { Address } from '../base/network.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import type { Infer, Init, ListenerKind, Message, Shape } from '../protocol/schema/fields.ts';

export type { ListenerKind };

export interface ConnectionInfo {
  /** Unique in this process. */
  readonly id: number;
  readonly listenerName: string;
  readonly listenerKind: ListenerKind;
  readonly local: Address;
  readonly remote: Address;
  /** `User:ANONYMOUS` until the client has authenticated. */
  readonly principal: string;
}

export interface RequestContext {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Empty when the client sent null. */
  readonly clientId: string;
  readonly connection: ConnectionInfo;
  readonly image: MetadataImage;
  /** Calls back when the connection goes before the response is complete: what is parked for it can be let go. */
  onClose(callback: () => void): void;
  /** Calls back when the response went to the socket or the connection closed: memory held for it can be let go. */
  onSent(callback: () => void): void;
}

/** Produce with acks=0: nothing is sent. */
export const noResponse: unique symbol = Symbol('no response');
export type NoResponse = typeof noResponse;

/** Thrown by a handler: the only answer is to close the connection, as Kafka does. */
export class CloseConnection extends Error {
  override readonly name = 'CloseConnection';
}

export interface TwoPhase<S> {
  /** Fulfilled once the next request of the connection may start; null when it may now. */
  readonly ordered: Promise<unknown> | null;
  readonly response: S | NoResponse | Promise<S | NoResponse>;
}

export type HandlerResult<S> = S | NoResponse | TwoPhase<S> | Promise<S | NoResponse>;

export interface HandlerOptions<Q extends Shape, S extends Shape> {
  /** Such as `3-13`; within the schema's range. */
  readonly versions: string;
  /** ApiVersions names this lowest version though it isn't served: old clients take its absence for a missing feature. */
  readonly advertisedFrom?: number;
  readonly listeners: readonly ListenerKind[];
  /**
   * True: starts as soon as all earlier requests of the connection were admitted (`TwoPhase.ordered`).
   * Otherwise it starts when all earlier requests are complete, as in Kafka.
   */
  readonly ordered?: boolean;
  handle(request: Infer<Message<Q>>, context: RequestContext): HandlerResult<Init<Message<S>>>;
  /** The response, in version 0, to a version that isn't served. Without it the connection closes. */
  unsupportedVersion?(context: RequestContext): Init<Message<S>>;
  /** The response when the whole request fails. Without it a top-level `errorCode` is used, or the connection closes. */
  failed?(
    request: Infer<Message<Q>>,
    error: ErrorRow,
    context: RequestContext,
    message: string | null,
  ): Init<Message<S>>;
}

/** A handler with its types forgotten, as the pipeline keeps it. */
export interface Handler {
  readonly apiKey: number;
  readonly name: string;
  /** Whatever its fields: the pipeline only hands it to the codec. */
  readonly request: Message;
  readonly response: Message;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly advertisedMinVersion: number;
  readonly listeners: readonly ListenerKind[];
  readonly ordered: boolean;
  handle(request: unknown, context: RequestContext): HandlerResult<unknown>;
  readonly unsupportedVersion: ((context: RequestContext) => unknown) | null;
  readonly failed:
    | ((request: unknown, error: ErrorRow, context: RequestContext, message: string | null) => unknown)
    | null;
}

export function defineHandler<Q extends Shape, S extends Shape>(
  request: Message<Q>,
  response: Message<S>,
  options: HandlerOptions<Q, S>,
): Handler {
  const [minVersion, maxVersion] = parseVersions(options.versions);
  const { failed, unsupportedVersion } = options;
  return {
    apiKey: request.key,
    name: request.name.replace(/Request$/, ''),
    request,
    response,
    minVersion,
    maxVersion,
    advertisedMinVersion: options.advertisedFrom ?? minVersion,
    listeners: options.listeners,
    ordered: options.ordered ?? false,
    handle: (body, context) => options.handle(body as Infer<Message<Q>>, context),
    unsupportedVersion:
      unsupportedVersion === undefined ? null : (context) => unsupportedVersion.call(options, context),
    failed:
      failed === undefined
        ? null
        : (body, error, context, message) =>
            failed.call(options, body as Infer<Message<Q>>, error, context, message),
  };
}

function parseVersions(text: string): [number, number] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  assert(match !== null, `versions '${text}' are not a range`);
  const min = Number(match[1]);
  return [min, match[2] === undefined ? min : Number(match[2])];
}
