/**
 * The interface of an API handler: the versions that it supports, the listeners that serve it, and a function from a request to
 * a response. Each file of `api/` defines one handler with `defineHandler`. The pipeline finds handlers by a table and knows
 * nothing else of them.
 *
 * - A handler uses one metadata image from start to end: `context.image`.
 * - It may respond synchronously, asynchronously, or in two phases: first the part that must happen in the order of the
 *   requests (`ordered`), then the response, which may complete in any order. Handlers that run often should be synchronous,
 *   because a promise costs time.
 * - It throws `KafkaError` if the whole request fails. Any other error is a bug and becomes UNKNOWN_SERVER_ERROR. `failed`
 *   makes the response that has the error where clients look for it.
 */
import { assert } from '../base/assert.ts';
import type { Address } from '../base/network.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import type { Infer, Init, ListenerKind, Message, Shape } from '../protocol/schema/fields.ts';
import type { QuotaType } from './quotas/client-quotas.ts';

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
  /**
   * Registers a callback for the case that the connection closes before the response is complete, so that pending work can be
   * dropped.
   */
  onClose(callback: () => void): void;
  /**
   * A handler calls this when it continues a request after a wait, and may then work for long. From then on the client's
   * `request_percentage` is charged for the time of the event loop. This call is not needed at the start of the handler, nor
   * when the response is complete.
   */
  resumed(): void;
  /**
   * Raises the throttle time of the response (KIP-219). The pipeline writes it into the response and mutes the connection for
   * that time.
   */
  throttle(type: QuotaType, timeMs: number): void;
  /**
   * Registers a callback for when the response was written to the socket or the connection has closed, so that its memory can
   * be released.
   */
  onSent(callback: () => void): void;
}

/** The result of a Produce request with acks=0, to which no response is sent. */
export const noResponse: unique symbol = Symbol('no response');
export type NoResponse = typeof noResponse;

/** Thrown by a handler to close the connection, as in Kafka, when no response can have the error (Produce with acks=0). */
export class CloseConnection extends Error {
  override readonly name = 'CloseConnection';
}

export interface TwoPhase<S> {
  /** Resolves when the next request of the connection may start. Null: it may start at once. */
  readonly ordered: Promise<unknown> | null;
  readonly response: S | NoResponse | Promise<S | NoResponse>;
}

export type HandlerResult<S> = S | NoResponse | TwoPhase<S> | Promise<S | NoResponse>;

export interface HandlerOptions<Q extends Shape, S extends Shape> {
  /** The supported versions, for example `3-13`. They must be within those of the schema. */
  readonly versions: string;
  /** The highest version that is served with `unstable.api.versions.enable`: a version of Kafka 4.4. */
  readonly unstableTo?: number;
  /**
   * The lowest version in the ApiVersions response, although it is not supported: old clients that do not find this version
   * believe that the broker lacks a feature.
   */
  readonly advertisedFrom?: number;
  readonly listeners: readonly ListenerKind[];
  /**
   * Whether a request starts as soon as all earlier requests of the connection have done their ordered part
   * (`TwoPhase.ordered`). Otherwise it starts when all earlier requests are complete, as in Kafka.
   */
  readonly ordered?: boolean;
  handle(request: Infer<Message<Q>>, context: RequestContext): HandlerResult<Init<Message<S>>>;
  /** Makes the response (in version 0) to a request of an unsupported version. Without it the connection is closed. */
  unsupportedVersion?(context: RequestContext): Init<Message<S>>;
  /**
   * Makes the response if the whole request fails. Without it the response has the error in its top-level `errorCode`; if it
   * lacks that field, the connection is closed.
   */
  failed?(
    request: Infer<Message<Q>>,
    error: ErrorRow,
    context: RequestContext,
    message: string | null,
  ): Init<Message<S>>;
}

/** A handler as the pipeline stores it, without type parameters. */
export interface Handler {
  readonly apiKey: number;
  readonly name: string;
  /** Schemas of any fields: the pipeline only passes them to the codec. */
  readonly request: Message;
  readonly response: Message;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** The highest version that is served with `unstable.api.versions.enable`. */
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
