/** The client's identity (client id, host) that a group stores with a member. */
import type { Caller } from '../../../group/types.ts';
import type { RequestContext } from '../../handler.ts';

export function callerOf({ apiVersion, clientId, connection }: RequestContext): Caller {
  const { host } = connection.remote;
  // Tools print the host in Java's format: an address without a name has a leading slash.
  const plain = host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host;
  return { apiVersion, clientId, clientHost: `/${plain}` };
}
