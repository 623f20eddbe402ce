/** The client of a request, as a group remembers it. */
import type { Caller } from '../../../group/types.ts';
import type { RequestContext } from '../../handler.ts';

export function callerOf({ apiVersion, clientId, connection }: RequestContext): Caller {
  const { host } = connection.remote;
  // Tools print the host as Java shows an address without a name.
  const plain = host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host;
  return { apiVersion, clientId, clientHost: `/${plain}` };
}
