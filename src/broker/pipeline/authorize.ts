/**
 * The one place that decides whether a connection may use an API. Handlers check rights on topics and groups themselves.
 * Not done:  There is no authorizer, so everything is allowed; `authorizer.class.name` is refused when the node starts.
 */
import type { ErrorRow } from '../../protocol/errors.ts';
import type { RequestContext } from '../handler.ts';

/** Null when allowed, else the error of the whole request. */
export type Authorize = (context: RequestContext) => ErrorRow | null;

export const allowAll: Authorize = () => null;
