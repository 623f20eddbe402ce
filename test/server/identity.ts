import type { Identity } from '../../src/base/hello.ts';
import { nodeId } from '../../src/base/ids.ts';

/** The identity that a node of a test sends to its peers in its hello. */
export function identityOf(id: number, more: Partial<Identity> = {}): Identity {
  return {
    clusterId: 'test-cluster',
    nodeId: nodeId(id),
    directoryId: 'AAAAAAAAAAAAAAAAAAAAAg',
    bootId: id,
    release: 'test',
    ...more,
  };
}
