/**
 * The first message of every stream between nodes, in each direction (proto/hello.proto): the sender's identity, its cluster, and
 * the protocol versions that it supports. A stream with an unsuitable hello is refused with the reason.
 */
import type { NodeId } from './ids.ts';
import { isUuid, type Uuid } from './uuid.ts';

/**
 * The versions of the protocol between nodes that this release supports. A new kind of message needs no new version; a new meaning
 * does.
 */
export const versionMin = 1;
export const versionMax = 1;

export interface Hello {
  readonly type: 'hello';
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** Directory id of the sender's metadata log directory. */
  readonly directoryId: Uuid;
  /** Chosen at random at each start of a node. */
  readonly bootId: number;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly release: string;
  /** The node that the sender wants to reach, because another node may have its address now; -1: any. */
  readonly wantedNodeId: number;
}

/** The identity of a node, as in every hello. */
export type Identity = Omit<Hello, 'type' | 'versionMin' | 'versionMax' | 'wantedNodeId'>;

export function helloOf(identity: Identity, wantedNodeId = -1): Hello {
  return { type: 'hello', ...identity, versionMin, versionMax, wantedNodeId };
}

/** Why the node `identity` refuses the sender of `hello`; null when it accepts it. `expected` is the node that it called, if any. */
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
