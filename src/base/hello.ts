/**
 * The hello: the first message that each side of a stream between nodes sends (proto/hello.proto). It names the sender, its
 * cluster, and the protocol versions that the sender supports. A node that receives a hello that does not fit refuses the
 * stream and gives the reason.
 */
import type { NodeId } from './ids.ts';
import { isUuid, type Uuid } from './uuid.ts';

/**
 * The versions of the protocol between nodes that this release supports. A new kind of message that older releases may skip
 * needs no new version. A kind that they must not skip needs one, and so does a change of what a message means (docs/wire.md).
 */
export const versionMin = 1;
export const versionMax = 1;

export interface Hello {
  readonly type: 'hello';
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** The directory id of the sender's metadata log directory. */
  readonly directoryId: Uuid;
  /** A random number that the sender's process chose when it started. */
  readonly bootId: number;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly release: string;
  /** The node that the sender wants to reach; -1 when it accepts any node. Another node may have taken over the address. */
  readonly wantedNodeId: number;
}

/** The fields that are the same in each hello of a node's process. */
export type Identity = Omit<Hello, 'type' | 'versionMin' | 'versionMax' | 'wantedNodeId'>;

export function helloOf(identity: Identity, wantedNodeId = -1): Hello {
  return { type: 'hello', ...identity, versionMin, versionMax, wantedNodeId };
}

/**
 * Why the node with `identity` refuses the sender of `hello`; null when it accepts the sender. `expected` is the node that the
 * caller tried to reach, null when it did not choose one.
 */
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
