import type { Identity } from '../../src/base/hello.ts';
import { nodeId } from '../../src/base/ids.ts';

/** What a node of a test says of itself to others. */
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
