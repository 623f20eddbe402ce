/**
 * The first message of every stream between nodes, in both directions (proto/hello.proto): who speaks, for which cluster, and
 * which versions of the protocol between nodes. A stream whose hello does not fit is refused with the reason.
 */
import type { NodeId } from './ids.ts';
import { isUuid, type Uuid } from './uuid.ts';

/** The versions of the protocol between nodes that this release speaks. A new kind of message needs no new version; a new meaning does. */
export const versionMin = 1;
export const versionMax = 1;

export interface Hello {
  readonly type: 'hello';
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** Of the sender's metadata log directory. */
  readonly directoryId: Uuid;
  /** Chosen anew by each start of a node. */
  readonly bootId: number;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly release: string;
  /** The node that the sender means to reach, because an address may have a new owner; -1: any. */
  readonly wantedNodeId: number;
}

/** What a node says of itself in every hello. */
export type Identity = Omit<Hello, 'type' | 'versionMin' | 'versionMax' | 'wantedNodeId'>;

export function helloOf(identity: Identity, wantedNodeId = -1): Hello {
  return { type: 'hello', ...identity, versionMin, versionMax, wantedNodeId };
}

/** Why the node `identity` does not talk to the sender of `hello`; null when it does. `expected` is the node it called, if it called one. */
export function helloFault(hello: Hello, identity: Identity, expected: number | null): string | null {
  const { nodeId } = hello;
  if (hello.clusterId !== identity.clusterId)
    return `node ${nodeId} belongs to cluster ${hello.clusterId}, this node to ${identity.clusterId}`;
  if (hello.versionMin > versionMax || hello.versionMax < versionMin)
    return (
      `node ${nodeId} (release ${hello.release}) speaks versions ${hello.versionMin} to ${hello.versionMax} ` +
      `of the protocol between nodes, this node ${versionMin} to ${versionMax}`
    );
  if (!isUuid(hello.directoryId)) return `node ${nodeId} names no directory id`;
  if (expected !== null && nodeId !== expected)
    return `node ${nodeId} answers where node ${expected} is configured`;
  if (hello.wantedNodeId >= 0 && hello.wantedNodeId !== identity.nodeId)
    return `node ${nodeId} looks for node ${hello.wantedNodeId}, this is node ${identity.nodeId}`;
  return null;
}
