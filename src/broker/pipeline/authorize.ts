/**
 * The only place that decides whether a connection may use an API. Rights on topics and groups belong in the handlers.
 *
 * Not done: an authorizer, so everything is allowed. If `authorizer.class.name` is set, `config/` refuses a file that does not
 * let every client do everything.
 */
import type { ErrorRow } from '../../protocol/errors.ts';
import type { RequestContext } from '../handler.ts';

/** The error for the whole request; null if the request is allowed. */
export type Authorize = (context: RequestContext) => ErrorRow | null;

export const allowAll: Authorize = () => null;
