/**
 * The interface of an API handler: the versions that it supports, the listeners on which it is available, and a function from
 * request to response. Each file of `api/` defines one handler with `defineHandler`; the pipeline knows handlers only through their
 * table.
 *
 * - A handler uses one metadata image throughout, `context.image`.
 * - It may respond synchronously (hot paths should, so that no promise is made), asynchronously, or in two phases: `ordered` ends
 *   the part that must happen in request order, `response` may complete in any order.
 * - It throws `KafkaError` when the whole request fails; any other error is a bug and becomes UNKNOWN_SERVER_ERROR. `failed` builds
 *   the response that has such an error where clients look for it.
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
  /** Calls back when the connection closes before the response is complete, so that pending work can be dropped. */
  onClose(callback: () => void): void;
  /** Calls back when the response was written to the socket or the connection closed, so that its memory can be released. */
  onSent(callback: () => void): void;
}

/** Produce with acks=0: no response is sent. */
export const noResponse: unique symbol = Symbol('no response');
export type NoResponse = typeof noResponse;

/** Thrown by a handler when closing the connection is the only way to respond, as in Kafka. */
export class CloseConnection extends Error {
  override readonly name = 'CloseConnection';
}

export interface TwoPhase<S> {
  /** Resolves when the next request of the connection may start; null: at once. */
  readonly ordered: Promise<unknown> | null;
  readonly response: S | NoResponse | Promise<S | NoResponse>;
}

export type HandlerResult<S> = S | NoResponse | TwoPhase<S> | Promise<S | NoResponse>;

export interface HandlerOptions<Q extends Shape, S extends Shape> {
  /** For example `3-13`; within the schema's range. */
  readonly versions: string;
  /** The last version if `unstable.api.versions.enable` is set: that of Kafka 4.4. */
  readonly unstableTo?: number;
  /** ApiVersions names this lowest version though it is not supported: old clients take its absence for a missing feature. */
  readonly advertisedFrom?: number;
  readonly listeners: readonly ListenerKind[];
  /**
   * True: starts as soon as all earlier requests of the connection have passed their ordered part (`TwoPhase.ordered`). Otherwise
   * it starts when all earlier requests are complete, as in Kafka.
   */
  readonly ordered?: boolean;
  handle(request: Infer<Message<Q>>, context: RequestContext): HandlerResult<Init<Message<S>>>;
  /** The response, in version 0, to an unsupported version. Without it the connection is closed. */
  unsupportedVersion?(context: RequestContext): Init<Message<S>>;
  /**
   * The response when the whole request fails. Without it the top-level `errorCode` is set; if there is none, the connection is
   * closed.
   */
  failed?(
    request: Infer<Message<Q>>,
    error: ErrorRow,
    context: RequestContext,
    message: string | null,
  ): Init<Message<S>>;
}

/** A handler without its type parameters, as the pipeline stores it. */
export interface Handler {
  readonly apiKey: number;
  readonly name: string;
  /** The pipeline only passes it to the codec, so its fields do not matter. */
  readonly request: Message;
  readonly response: Message;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** `maxVersion` where unstable versions are served. */
  readonly unstableMaxVersion: number;
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
    unstableMaxVersion: options.unstableTo ?? maxVersion,
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
