/** The identity of a client (client id, host) that a group stores with its member. */
import type { Caller } from '../../../group/types.ts';
import type { RequestContext } from '../../handler.ts';

export function callerOf({ apiVersion, clientId, connection }: RequestContext): Caller {
  const { host } = connection.remote;
  // Kafka's tools print the host in Java's format: an address without a host name has a slash in front of it.
  const plain = host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host;
  return { apiVersion, clientId, clientHost: `/${plain}` };
}
