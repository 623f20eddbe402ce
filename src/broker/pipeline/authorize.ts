/**
 * The one place that asks whether a connection may use an API. Finer rights (topic, group) are the handlers' own.
 *
 * Not done: there is no authorizer yet, so everything is allowed; `authorizer.class.name` is refused when the node starts.
 */
import type { ErrorRow } from '../../protocol/errors.ts';
import type { RequestContext } from '../handler.ts';

/** Null when allowed, else the error that the whole request is answered with. */
export type Authorize = (context: RequestContext) => ErrorRow | null;

export const allowAll: Authorize = () => null;
